"""DeepSpeed on the CPU, one process: engine.save_checkpoint with its own tags and with one of the user's."""
import os
import signal
import sys

sys.path.append(sys.path.pop(0))  # this file is called deepspeed.py too: the package must be found first
import torchcase as tc  # noqa: E402

import deepspeed  # noqa: E402
import torch  # noqa: E402

FW = "deepspeed"


def train(case):
    os.environ.update(RANK="0", LOCAL_RANK="0", WORLD_SIZE="1", MASTER_ADDR="127.0.0.1", MASTER_PORT="29517")
    deepspeed.init_distributed("gloo", auto_mpi_discovery=False)
    model = torch.nn.Linear(4, 1)
    engine, *_ = deepspeed.initialize(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.01), config={
        "train_batch_size": 4, "steps_per_print": 5, "zero_optimization": {"stage": 0}})
    x = torch.randn(4, 4, generator=torch.Generator().manual_seed(1))
    for step in range(30):
        loss = torch.nn.functional.mse_loss(engine(x), x.sum(1, keepdim=True))
        engine.backward(loss)
        engine.step()
        if (step + 1) % 10 == 0:
            engine.save_checkpoint("out", tag=f"epoch{step // 10}" if case == "tag" else None)
        if case == "middle" and step == 24:
            os.kill(os.getpid(), signal.SIGKILL)


def main():
    for case in ("middle", "end", "tag"):
        if tc.wanted(case):
            d = tc.fresh(FW, case)
            tc.launch(train, case, d)
            tc.keep(d, FW, case, drop=["zero_to_fp32.py"])


main()
