"""PyTorch Lightning: a one-layer model on made-up numbers, with the CSV and the TensorBoard logger, by hand and by LightningCLI."""
import os
import signal
import sys

sys.path.append(sys.path.pop(0))  # this file is called lightning.py too: the package must be found first
import torchcase as tc  # noqa: E402

import lightning as L  # noqa: E402
import torch  # noqa: E402
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint, TQDMProgressBar  # noqa: E402
from lightning.pytorch.cli import LightningCLI  # noqa: E402
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger  # noqa: E402

FW = "lightning"


def train(case):
    base = case.split("+")[0]

    class Net(L.LightningModule):
        def __init__(self, lr: float = 0.01, width: int = 4):
            super().__init__()
            self.save_hyperparameters()
            self.net = torch.nn.Linear(width, 1)

        def loss(self, batch):
            x, y = batch
            return torch.nn.functional.mse_loss(self.net(x), y)

        def training_step(self, batch, i):
            loss = self.loss(batch)
            if base == "nan" and self.global_step >= 12:
                loss = loss * float("nan")
            self.log("train_loss", loss, prog_bar=True)
            return loss

        def validation_step(self, batch, i):
            loss = self.loss(batch)
            self.log("val_loss", loss if base != "early" else loss * 0 + 1.0, prog_bar=True)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)

    class Data(L.LightningDataModule):
        def __init__(self, rows: int = 40):
            super().__init__()
            g = torch.Generator().manual_seed(1)
            x = torch.randn(rows, 4, generator=g)
            self.set = torch.utils.data.TensorDataset(x, x.sum(1, keepdim=True))

        def train_dataloader(self):
            return torch.utils.data.DataLoader(self.set, batch_size=4)

        val_dataloader = train_dataloader

    class Watch(Callback):
        def on_train_batch_end(self, trainer, module, out, batch, i):
            at = (trainer.current_epoch, i)
            if base == "start" and at == (0, 6):
                os.kill(os.getpid(), signal.SIGKILL)
            if base in ("middle", "tb-middle", "tqdm-middle") and at == (2, 6):
                os.kill(os.getpid(), signal.SIGKILL)
            if base == "resumed" and trainer.current_epoch == 2 and i == 5 and case == "resumed+killed":
                os.kill(os.getpid(), signal.SIGKILL)

    if base.startswith("cli"):
        sys.argv = ["train.py", "fit", "--trainer.max_epochs=4", "--trainer.accelerator=cpu", "--trainer.log_every_n_steps=5",
                    "--model.lr=0.02", "--trainer.enable_model_summary=false"]
        if base == "cli-steps":
            sys.argv += ["--trainer.max_epochs=-1", "--trainer.max_steps=25"]
        LightningCLI(Net, Data, seed_everything_default=1)
        return

    L.seed_everything(1)
    callbacks = [Watch()]
    if base in ("start", "middle", "end", "nan", "top", "resumed"):
        # by epoch, beside last.ckpt; "top" keeps the two best under names of the user's own
        callbacks.append(ModelCheckpoint(save_top_k=2, monitor="val_loss", filename="{epoch}-{val_loss:.3f}", save_last=True)
                         if base == "top" else ModelCheckpoint(save_top_k=-1, save_last=True))
    if base.startswith("tqdm"):  # what Lightning itself takes where rich is not installed
        callbacks.append(TQDMProgressBar())
    if base == "early":
        callbacks.append(EarlyStopping(monitor="val_loss", patience=2, verbose=True))
    logger = dict(tb=lambda: TensorBoardLogger("lightning_logs", name=None)).get(base.split("-")[0], lambda: CSVLogger("lightning_logs", name=None))()
    more = {}
    if base in ("bare", "tb-middle"):
        logger, more = True, {}  # Lightning's own choice
    if base == "steps":
        more = dict(max_epochs=-1, max_steps=25)
        callbacks.append(ModelCheckpoint(every_n_train_steps=10, save_top_k=-1))
    trainer = L.Trainer(**{**dict(max_epochs=4, accelerator="cpu", logger=logger, log_every_n_steps=5, callbacks=callbacks), **more})
    if base == "crashed":
        def bang(*a):
            if trainer.global_step == 17:
                raise RuntimeError("CUDA error: device-side assert triggered (made up)")
        callbacks[0].on_train_batch_start = bang
    ckpt = "lightning_logs/version_0/checkpoints/epoch=1-step=20.ckpt" if case == "resumed+again" else None
    trainer.fit(Net(), Data(), ckpt_path=ckpt, **({"weights_only": False} if ckpt else {}))


def main():
    for case in ("start", "middle", "end", "early", "nan", "top", "steps", "bare", "tb", "tb-middle", "tqdm", "tqdm-middle", "crashed", "cli", "cli-steps"):
        if tc.wanted(case):
            d = tc.fresh(FW, case)
            tc.launch(train, case, d)
            tc.keep(d, FW, case)
    if tc.wanted("resumed"):
        d = tc.fresh(FW, "resumed")
        tc.launch(train, "resumed+killed", d)
        tc.launch(train, "resumed+again", d)
        tc.keep(d, FW, "resumed")


main()
