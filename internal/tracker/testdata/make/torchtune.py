"""torchtune's metric loggers, called as its recipes do; the recipes themselves need a real language model and are not run."""
import os
import signal
import sys

sys.path.append(sys.path.pop(0))  # this file is called torchtune.py too: the package must be found first
import torchcase as tc  # noqa: E402

import torch  # noqa: E402
from torchtune.training.metric_logging import DiskLogger, StdoutLogger  # noqa: E402

FW = "torchtune"


def train(case):
    log = StdoutLogger() if case == "stdout" else DiskLogger("logs")
    for step in range(1, 11):
        log.log_dict({"loss": float("nan") if case == "nan" and step > 6 else 2 / step, "lr": 2e-05, "tokens_per_second_per_gpu": 410.2,
                      "grad_norm": torch.tensor(1.5)}, step=step)
        if case == "middle" and step == 6:
            os.kill(os.getpid(), signal.SIGKILL)
    log.close()


def main():
    for case in ("middle", "end", "nan", "stdout"):
        if tc.wanted(case):
            d = tc.fresh(FW, case)
            tc.launch(train, case, d)
            tc.keep(d, FW, case)


main()
