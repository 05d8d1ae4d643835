"""torch.utils.tensorboard.SummaryWriter: event files, old and new style."""
import os
import signal
import sys

sys.path.append(sys.path.pop(0))
import torchcase as tc  # noqa: E402

from torch.utils.tensorboard import SummaryWriter  # noqa: E402

FW = "tensorboard"


def train(case):
    if case in ("end", "new-style"):
        with SummaryWriter("runs/exp1") as w:
            for i in range(0, 100, 10):
                w.add_scalar("Loss/train", 1 / (i + 1), i, new_style=case == "new-style")
                w.add_scalar("Accuracy/train", i / 100, i, new_style=case == "new-style", double_precision=case == "new-style")
            w.add_text("note", "not a scalar", 99)
        print("done")
    if case == "killed":  # flushed at 50, then killed; what came after was in the queue
        w = SummaryWriter("runs/exp1", max_queue=1000, flush_secs=3600)
        for i in range(100):
            w.add_scalar("train/loss", 1 / (i + 1), i)
            if i == 50:
                w.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    if case == "start":  # nothing but what the constructor writes
        SummaryWriter("runs/exp1")
        os.kill(os.getpid(), signal.SIGKILL)
    if case == "start-flushed":
        SummaryWriter("runs/exp1").flush()
        os.kill(os.getpid(), signal.SIGKILL)
    if case == "resumed":  # the first run got to 59, its checkpoint was of 40
        with SummaryWriter("runs/exp1") as w:
            for i in range(0, 60):
                w.add_scalar("train/loss", 1 / (i + 1), i)
    if case == "resumed+again":
        with SummaryWriter("runs/exp1") as w:
            for i in range(41, 50):
                w.add_scalar("train/loss", 2 / (i + 1), i)
    if case == "purged+again":
        with SummaryWriter("runs/exp1", purge_step=41) as w:
            for i in range(41, 50):
                w.add_scalar("train/loss", 2 / (i + 1), i)
    if case == "groups":  # add_scalars and add_hparams make directories of their own
        with SummaryWriter("runs/exp1") as w:
            for i in range(5):
                w.add_scalars("loss", {"train": 1 / (i + 1), "val": 2 / (i + 1)}, i)
                w.add_scalar("epoch", i, i)
            w.add_hparams({"lr": 0.1, "epochs": 5}, {"hparam/loss": 0.2})
    if case == "nan":
        with SummaryWriter("runs/exp1") as w:
            for i, x in enumerate((1.0, float("nan"), float("inf"), float("-inf"))):
                w.add_scalar("train/loss", x, i)
            w.add_scalar("no step", 3.0)
            w.add_scalar("negative step", 3.0, -1)


def main():
    for case in ("start", "start-flushed", "end", "new-style", "killed", "groups", "nan"):
        if tc.wanted(case):
            d = tc.fresh(FW, case)
            tc.launch(train, case, d)
            tc.keep(d, FW, case)
    for case in ("resumed", "purged"):
        if tc.wanted(case):
            d = tc.fresh(FW, case)
            tc.launch(train, "resumed", d)
            tc.time.sleep(1.1)  # the second is in the name
            tc.launch(train, case + "+again", d)
            tc.keep(d, FW, case)


main()
