"""MMEngine: Runner with a toy model, by epoch and by iteration."""
import os
import signal
import sys

sys.path.append(sys.path.pop(0))  # this file is called mmengine.py too: the package must be found first
import torchcase as tc  # noqa: E402

os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"  # MMEngine 0.10.7 cannot resume under a torch of today without it

import torch  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmengine.evaluator import BaseMetric  # noqa: E402
from mmengine.hooks import Hook  # noqa: E402
from mmengine.model import BaseModel  # noqa: E402
from mmengine.registry import HOOKS, METRICS, MODELS, DATASETS  # noqa: E402
from mmengine.runner import Runner  # noqa: E402

FW = "mmengine"


@MODELS.register_module()
class Toy(BaseModel):
    def __init__(self, nan_at=-1):
        super().__init__()
        self.net, self.calls, self.nan_at = torch.nn.Linear(4, 1), 0, nan_at

    def forward(self, x, y, mode="tensor"):
        out = self.net(x)
        if mode == "loss":
            self.calls += 1
            loss = torch.nn.functional.mse_loss(out, y)
            return {"loss": loss * float("nan") if 0 <= self.nan_at < self.calls else loss}
        return [((out - y) ** 2).mean().item()] if mode == "predict" else out


@DATASETS.register_module()
class ToyData(torch.utils.data.Dataset):
    def __init__(self):
        g = torch.Generator().manual_seed(1)
        self.x = torch.randn(40, 4, generator=g)
        self.y = self.x.sum(1, keepdim=True)

    def __len__(self):
        return 40

    def __getitem__(self, i):
        return self.x[i], self.y[i]


@METRICS.register_module()
class Mse(BaseMetric):
    def __init__(self, constant=False):
        super().__init__(prefix="toy")
        self.constant = constant

    def process(self, batch, samples):
        self.results += samples

    def compute_metrics(self, results):
        return {"mse": 1.0 if self.constant else sum(results) / len(results)}


@HOOKS.register_module()
class Watch(Hook):
    def __init__(self, case):
        self.case = case

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        n = runner.iter + 1
        if self.case == "start" and n == 7 or self.case in ("middle", "resumed", "iter-middle") and n == 28:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.case == "crashed" and n == 17:
            raise RuntimeError("CUDA error: device-side assert triggered (made up)")


def train(case):
    base = case.split("+")[0]
    by_iter = base.startswith("iter")
    loader = dict(batch_size=4, collate_fn=dict(type="default_collate"), num_workers=0, dataset=dict(type="ToyData"), sampler=dict(type="DefaultSampler", shuffle=False))
    cfg = dict(
        model=dict(type="Toy", nan_at=12 if base == "nan" else -1),
        train_dataloader=dict(loader, sampler=dict(type="InfiniteSampler")) if by_iter else loader,
        train_cfg=dict(type="IterBasedTrainLoop", max_iters=40, val_interval=20) if by_iter else
        dict(type="EpochBasedTrainLoop", max_epochs=4, val_interval=1),
        optim_wrapper=dict(optimizer=dict(type="SGD", lr=0.01)),
        val_dataloader=loader, val_cfg=dict(), val_evaluator=dict(type="Mse", constant=base == "early"),
        default_hooks=dict(
            logger=dict(type="LoggerHook", interval=5, log_metric_by_epoch=not by_iter),
            checkpoint=dict(type="CheckpointHook", interval=10, by_epoch=False) if by_iter else
            dict(type="CheckpointHook", interval=1, max_keep_ckpts=2 if base == "end" else -1,
                 **(dict(save_best="toy/mse", rule="less") if base == "end" else {}))),
        custom_hooks=[dict(type="Watch", case=case)] +
        ([dict(type="EarlyStoppingHook", monitor="toy/mse", rule="less", patience=2)] if base == "early" else []),
        log_processor=dict(type="LogProcessor", by_epoch=not by_iter),
        randomness=dict(seed=1), resume=case.endswith("+again"), experiment_name="toy", launcher="none", work_dir="work_dirs/toy")
    open("toy.py", "w").write(Config(cfg).pretty_text)  # a config has a name when it is of a file
    Runner.from_cfg(Config.fromfile("toy.py")).train()


def main():
    for case in ("start", "middle", "end", "early", "nan", "crashed", "iter", "iter-middle"):
        if tc.wanted(case):
            d = tc.fresh(FW, case)
            tc.launch(train, case, d)
            tc.keep(d, FW, case)
    if tc.wanted("resumed"):
        d = tc.fresh(FW, "resumed")
        tc.launch(train, "resumed", d)
        tc.time.sleep(1.1)  # the second is in the name
        tc.launch(train, "resumed+again", d)
        tc.keep(d, FW, "resumed")


main()
