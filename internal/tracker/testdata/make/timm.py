"""timm: its train.py is not in the wheel, so this calls update_summary and CheckpointSaver in the order in which train.py does.

The directory, args.yaml, the two lines of the log that train.py prints itself, and the loop are by hand after train.py (not real);
summary.csv, the checkpoints and their names are written by timm.
"""
import argparse
import os
import signal
import sys
from collections import OrderedDict

sys.path.append(sys.path.pop(0))  # this file is called timm.py too: the package must be found first
import torchcase as tc  # noqa: E402

import timm  # noqa: E402
import torch  # noqa: E402
import yaml  # noqa: E402
from timm.utils import CheckpointSaver, get_outdir, update_summary  # noqa: E402

FW = "timm"


def train(case):
    args = argparse.Namespace(model="toy", epochs=5, cooldown_epochs=1, warmup_epochs=0, batch_size=4, lr=0.1, resume="")
    out = get_outdir("output/train", "20251125-120000-toy-32", inc=False)
    start, best = 0, None
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    if case == "resumed+again":  # last.pth.tar of epoch 1
        args.resume, start = os.path.join(out, "last.pth.tar"), 2
    with open(os.path.join(out, "args.yaml"), "w") as f:
        f.write(yaml.safe_dump(vars(args), default_flow_style=False))
    saver = CheckpointSaver(model=model, optimizer=optimizer, args=args, checkpoint_dir=out, recovery_dir=out, decreasing=False, max_history=2)
    num_epochs = args.epochs + args.cooldown_epochs
    print(f"Scheduled epochs: {num_epochs} (epochs + cooldown_epochs). Warmup within epochs when warmup_prefix=False. LR stepped per epoch.",
          file=sys.stderr)
    for epoch in range(start, num_epochs):
        if case == "start" and epoch == 0 or case == "middle" and epoch == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        nan = case == "nan" and epoch >= 3
        train_metrics = OrderedDict([("loss", float("nan") if nan else 2.5 / (epoch + 1))])
        eval_metrics = OrderedDict([("loss", float("nan") if nan else 2.6 / (epoch + 1)), ("top1", 10.0 * epoch), ("top5", 15.0 * epoch)])
        update_summary(epoch, train_metrics, eval_metrics, filename=os.path.join(out, "summary.csv"), lr=0.1 / (epoch + 1),
                       write_header=best is None, log_wandb=False)
        if case == "resumed" and epoch == 2:  # the row is written, the checkpoint is not
            os.kill(os.getpid(), signal.SIGKILL)
        best, best_epoch = saver.save_checkpoint(epoch, metric=eval_metrics["top1"])
    print(f"*** Best metric: {best} (epoch {best_epoch})", file=sys.stderr)


def main():
    for case in ("start", "middle", "end", "nan"):
        if tc.wanted(case):
            d = tc.fresh(FW, case)
            tc.launch(train, case, d)
            tc.keep(d, FW, case)
    if tc.wanted("resumed"):
        d = tc.fresh(FW, "resumed")
        tc.launch(train, "resumed", d)
        tc.launch(train, "resumed+again", d)
        tc.keep(d, FW, "resumed")


main()
