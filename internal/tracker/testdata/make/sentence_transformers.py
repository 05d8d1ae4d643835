"""sentence-transformers trainer: a tiny BERT with random weights and a vocabulary of a few made-up words, with an evaluator."""
import os
import pathlib
import signal
import sys

sys.path.append(sys.path.pop(0))  # this file is called sentence_transformers.py too: the package must be found first
import torchcase as tc  # noqa: E402

from datasets import Dataset  # noqa: E402
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments, losses, models  # noqa: E402
from sentence_transformers.evaluation import EmbeddingSimilarityEvaluator  # noqa: E402
from transformers import BertConfig, BertModel, BertTokenizerFast, TrainerCallback  # noqa: E402

FW = "sentence_transformers"


def train(case):
    base = pathlib.Path("../base-" + case)
    base.mkdir(exist_ok=True)
    (base / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "dog", "ran"]))
    BertTokenizerFast(str(base / "vocab.txt")).save_pretrained(base)
    BertModel(BertConfig(vocab_size=10, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
                         max_position_embeddings=16)).save_pretrained(base)
    word = models.Transformer(str(base), max_seq_length=8)
    model = SentenceTransformer(modules=[word, models.Pooling(8)], device="cpu")

    class Watch(TrainerCallback):
        def on_step_end(self, args, state, control, **kw):
            if case == "middle" and state.global_step == 27:
                os.kill(os.getpid(), signal.SIGKILL)

    rows = Dataset.from_dict({"a": ["the cat sat", "the dog"] * 40, "b": ["the dog ran", "cat"] * 40, "score": [0.3, 0.1] * 40})
    trainer = SentenceTransformerTrainer(
        model=model, train_dataset=rows, eval_dataset=rows.select(range(8)), loss=losses.CoSENTLoss(model), callbacks=[Watch()],
        evaluator=EmbeddingSimilarityEvaluator(rows["a"][:8], rows["b"][:8], [i / 8 for i in range(8)], name="toy"),
        args=SentenceTransformerTrainingArguments(
            output_dir="out", num_train_epochs=2, per_device_train_batch_size=4, logging_steps=5, save_steps=20, eval_steps=20,
            eval_strategy="steps", use_cpu=True, report_to=[], seed=1))
    trainer.train()


def main():
    for case in ("middle", "end"):
        if tc.wanted(case):
            d = tc.fresh(FW, case)
            tc.launch(train, case, d)
            tc.keep(d, FW, case, drop=["tokenizer*.json", "vocab.txt", "special_tokens_map.json", "README.md"])


main()
