"""TRL SFTTrainer: a tiny GPT-2 with random weights and a tokenizer of a few made-up words."""
import os
import signal
import sys

sys.path.append(sys.path.pop(0))  # this file is called trl.py too: the package must be found first
import torchcase as tc  # noqa: E402

from datasets import Dataset  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, TrainerCallback  # noqa: E402
from trl import SFTConfig, SFTTrainer  # noqa: E402

FW = "trl"


def train(case):
    words = ["<pad>", "<eos>", "the", "cat", "sat", "on", "mat", "dog", "ran"]
    t = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<pad>"))
    t.pre_tokenizer = pre_tokenizers.Whitespace()
    tok = PreTrainedTokenizerFast(tokenizer_object=t, pad_token="<pad>", eos_token="<eos>", bos_token="<eos>")

    class Watch(TrainerCallback):
        def on_step_end(self, args, state, control, **kw):
            if case == "middle" and state.global_step == 27:
                os.kill(os.getpid(), signal.SIGKILL)

    rows = Dataset.from_dict({"text": ["the cat sat on the mat", "the dog ran"] * 40})
    trainer = SFTTrainer(
        model=GPT2LMHeadModel(GPT2Config(vocab_size=9, n_positions=16, n_embd=8, n_layer=1, n_head=1, bos_token_id=1, eos_token_id=1)),
        args=SFTConfig(output_dir="out", num_train_epochs=2, per_device_train_batch_size=4, logging_steps=5, save_steps=20, use_cpu=True,
                       bf16=False, max_length=16, report_to=[], gradient_checkpointing=False, seed=1),
        train_dataset=rows, processing_class=tok, callbacks=[Watch()])
    trainer.train()


def main():
    for case in ("middle", "end"):
        if tc.wanted(case):
            d = tc.fresh(FW, case)
            tc.launch(train, case, d)
            tc.keep(d, FW, case, drop=["tokenizer*.json", "config.json", "generation_config.json"])


main()
