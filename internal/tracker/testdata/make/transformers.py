"""Hugging Face transformers Trainer: a tiny GPT-2 with random weights on made-up tokens."""
import os
import signal
import sys

sys.path.append(sys.path.pop(0))  # this file is called transformers.py too: the package must be found first
import torchcase as tc  # noqa: E402

import torch  # noqa: E402
import transformers  # noqa: E402
from transformers import EarlyStoppingCallback, GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments  # noqa: E402

FW = "transformers" if transformers.__version__ >= "5" else "transformers4"


def train(case):
    class Rows(torch.utils.data.Dataset):
        def __init__(self, n):
            g = torch.Generator().manual_seed(n)
            self.x = torch.randint(0, 31, (n, 8), generator=g)

        def __len__(self):
            return len(self.x)

        def __getitem__(self, i):
            return {"input_ids": self.x[i], "labels": self.x[i]}

    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            rows = Rows(80)
            for i in range(len(rows)):
                yield rows[i]

    class Nan(GPT2LMHeadModel):
        calls = 0

        def forward(self, input_ids=None, labels=None, **k):
            out = super().forward(input_ids=input_ids, labels=labels, **k)
            self.calls += 1
            if case == "nan" and (not self.training or self.calls > 12):
                out.loss = out.loss * float("nan")
            return out

    class Watch(TrainerCallback):
        def on_step_end(self, args, state, control, **kw):
            if case == "start" and state.global_step == 7:
                os.kill(os.getpid(), signal.SIGKILL)
            if case == "middle" and state.global_step == 27:
                tc.keep(".", FW, "middle")
                os.kill(os.getpid(), signal.SIGKILL)
            if case == "killed" and state.global_step == 29:
                os.kill(os.getpid(), signal.SIGKILL)
            if case == "resumed" and state.global_step == 24:
                sys.stdout.flush()
                tc.keep(".", FW, "resumed-middle")
            if case == "crashed" and state.global_step == 17:
                raise RuntimeError("CUDA error: device-side assert triggered (made up)")

    class Saving(Trainer):
        def _save_optimizer_and_scheduler(self, *a, **k):
            super()._save_optimizer_and_scheduler(*a, **k)
            if case == "saving" and self.state.global_step == 20:
                os.kill(os.getpid(), signal.SIGKILL)

    more, callbacks = {}, [Watch()]
    if case == "early":
        # a learning rate so small that nothing gets better
        more = dict(learning_rate=1e-12, save_steps=10, eval_steps=10, load_best_model_at_end=True, metric_for_best_model="eval_loss", save_total_limit=2)
        callbacks.append(EarlyStoppingCallback(early_stopping_patience=2, early_stopping_threshold=0.01))
    if case == "early-unsaved":  # evaluates oftener than it saves: no checkpoint tells of the stop
        more = dict(learning_rate=1e-12, metric_for_best_model="eval_loss", eval_steps=5, save_steps=20)
        callbacks.append(EarlyStoppingCallback(early_stopping_patience=4, early_stopping_threshold=0.01))
    if case == "nan":
        more = dict(logging_nan_inf_filter=False, metric_for_best_model="eval_loss", greater_is_better=False)
    if case == "maxsteps":
        more = dict(max_steps=30, save_total_limit=1, disable_tqdm=True)
    if case == "epochs":
        more = dict(eval_strategy="epoch", save_strategy="epoch", logging_strategy="epoch", num_train_epochs=2.5)
    args = TrainingArguments(**{**dict(
        output_dir="out", num_train_epochs=3, per_device_train_batch_size=4, logging_steps=5, save_steps=20, eval_steps=20,
        eval_strategy="steps", save_strategy="steps", use_cpu=True, seed=1, learning_rate=1e-3,
        report_to=["tensorboard"] if case in ("end", "killed", "resumed") else []), **more})
    model = Nan(GPT2Config(vocab_size=32, n_positions=8, n_embd=8, n_layer=1, n_head=1, bos_token_id=0, eos_token_id=0))
    trainer = Saving(model=model, args=args, train_dataset=Stream() if case == "maxsteps" else Rows(80), eval_dataset=Rows(8),
                     callbacks=callbacks)
    result = trainer.train(resume_from_checkpoint=True if case == "resumed" else None)
    if case not in ("plain", "epochs", "early-unsaved"):  # as the run_*.py examples do
        trainer.save_model()
        trainer.log_metrics("train", result.metrics)
        trainer.save_metrics("train", result.metrics)
        trainer.save_state()
        metrics = trainer.evaluate()
        trainer.log_metrics("eval", metrics)
        trainer.save_metrics("eval", metrics)


def main():
    for case in ("start", "middle", "end", "plain", "early", "early-unsaved", "nan", "maxsteps", "epochs", "crashed", "saving"):
        if tc.wanted(case):
            d = tc.fresh(FW, case)
            tc.launch(train, case, d)
            if case != "middle":  # kept from within, just before the kill: the same but for the last redraw of the bar
                tc.keep(d, FW, case)
    if tc.wanted("resumed"):
        d = tc.fresh(FW, "resumed")
        tc.launch(train, "killed", d)
        tc.keep(d, FW, "killed")
        tc.launch(train, "resumed", d)
        tc.keep(d, FW, "resumed")


main()
