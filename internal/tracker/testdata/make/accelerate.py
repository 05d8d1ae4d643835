"""accelerate: a loop of one's own with automatic checkpoint naming and the TensorBoard tracker; and one with names of one's own."""
import os
import signal
import sys

sys.path.append(sys.path.pop(0))  # this file is called accelerate.py too: the package must be found first
import torchcase as tc  # noqa: E402

import torch  # noqa: E402
from accelerate import Accelerator  # noqa: E402
from accelerate.utils import ProjectConfiguration  # noqa: E402
from tqdm.auto import tqdm  # noqa: E402

FW = "accelerate"


def train(case):
    named = case.startswith("named")
    acc = Accelerator(cpu=True, log_with="tensorboard", project_config=ProjectConfiguration(
        "out", automatic_checkpoint_naming=not named, total_limit=2))
    acc.init_trackers("toy", config={"lr": 0.1, "num_epochs": 4})
    model = torch.nn.Linear(4, 1)
    g = torch.Generator().manual_seed(1)
    x = torch.randn(40, 4, generator=g)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, x.sum(1, keepdim=True)), batch_size=4)
    model, opt, loader = acc.prepare(model, torch.optim.SGD(model.parameters(), lr=0.01), loader)
    bar, step = tqdm(range(40), disable=not acc.is_local_main_process), 0
    for epoch in range(4):
        for x, y in loader:
            loss = torch.nn.functional.mse_loss(model(x), y)
            acc.backward(loss)
            opt.step()
            opt.zero_grad()
            step += 1
            bar.update(1)
            if case.endswith("middle") and step == 27:
                os.kill(os.getpid(), signal.SIGKILL)
        acc.log({"train_loss": loss.item(), "epoch": epoch}, step=step)
        acc.print(f"epoch {epoch}: loss {loss.item():.4f}")
        acc.save_state(f"out/epoch_{epoch}" if named else None)
    acc.end_training()


def main():
    for case in ("middle", "end", "named-middle", "named"):
        if tc.wanted(case):
            d = tc.fresh(FW, case)
            tc.launch(train, case, d)
            tc.keep(d, FW, case)


main()
