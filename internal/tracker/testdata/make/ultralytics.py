"""Ultralytics YOLO: yolov8n.yaml (and yolov8n-cls.yaml) from scratch on four made-up 32x32 images."""
import os
import signal
import sys

sys.path.append(sys.path.pop(0))  # this file is called ultralytics.py too: the package must be found first
import torchcase as tc  # noqa: E402

os.environ.update(YOLO_CONFIG_DIR="/home/user/.config", YOLO_AUTOINSTALL="false", YOLO_OFFLINE="true", MPLBACKEND="Agg")
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from ultralytics import YOLO, settings  # noqa: E402
from ultralytics.models.yolo.detect import DetectionTrainer  # noqa: E402

FW = "ultralytics"


def data(d):
    rng = np.random.default_rng(1)
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (d / "toy" / kind / split).mkdir(parents=True, exist_ok=True)
        for i in range(4):
            Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(d / f"toy/images/{split}/{i}.png")
            (d / f"toy/labels/{split}/{i}.txt").write_text("0 0.5 0.5 0.4 0.4\n")
            for c in "ab":
                (d / "toycls" / split / c).mkdir(parents=True, exist_ok=True)
                Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(d / f"toycls/{split}/{c}/{i}.png")
    (d / "toy.yaml").write_text("path: /home/user/x/ultralytics/data/toy\ntrain: images/train\nval: images/val\nnames:\n  0: thing\n")


def train(case):
    base, _, part = case.partition("+")

    class Trainer(DetectionTrainer):
        def save_model(self):
            if case == "resumed+killed" and self.epoch == 2:  # the row of epoch 3 is written, last.pt is of epoch 2
                os.kill(os.getpid(), signal.SIGKILL)
            if base == "nosave" and self.epoch == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().save_model()

        def validate(self):
            metrics, fitness = super().validate()
            if base == "early":  # a fitness of 0 would never count as no improvement
                fitness = self.fitness = 0.5
            if base == "nan" and self.epoch > 0:
                metrics.update({"val/box_loss": float("nan"), "val/cls_loss": float("inf")})
            return metrics, fitness

    def batch_end(trainer):
        if base == "start" and trainer.epoch == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if base == "crashed" and trainer.epoch == 2:
            raise RuntimeError("CUDA error: device-side assert triggered (made up)")
        if base == "middle" and trainer.epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    def fit_epoch_end(trainer):
        if case == "resumed+again" and trainer.epoch == 3:
            tc.keep(".", FW, "resumed-middle")

    args = dict(data="/home/user/x/ultralytics/data/toy.yaml", epochs=4, imgsz=32, batch=2, workers=0, device="cpu", plots=False,
                optimizer="SGD", lr0=1e-4, project=os.path.abspath("runs"), name="exp", trainer=Trainer, warmup_epochs=0)
    if base == "early":
        args.update(epochs=20, patience=2)
    if base == "plots":
        args.update(plots=True, save_period=1)
    if base == "time":
        args.update(time=0.002, epochs=100)
    if base == "again":
        args.update(exist_ok=True, epochs=2 if part else 4)
    if base == "default":
        del args["project"], args["name"]
    if base == "cls":
        args.update(data="/home/user/x/ultralytics/data/toycls", epochs=3)
        del args["trainer"]
    if part == "again" and base == "resumed":
        model = YOLO("runs/exp/weights/last.pt")
        args = dict(resume=True, trainer=Trainer)
    else:
        model = YOLO("yolov8n-cls.yaml" if base == "cls" else "yolov8n.yaml")
    model.add_callback("on_train_batch_end", batch_end)
    model.add_callback("on_fit_epoch_end", fit_epoch_end)
    model.train(**args)


def main():
    settings.update({"sync": False, "tensorboard": False})
    d = tc.fresh(FW, "data")
    data(d)
    for case in ("start", "middle", "end", "early", "plots", "time", "nan", "default", "crashed", "cls"):
        if tc.wanted(case):
            d = tc.fresh(FW, case)
            tc.launch(train, case, d)
            tc.keep(d, FW, case)
    for case, parts in (("resumed", ("killed", "again")), ("again", ("", "again"))):
        if tc.wanted(case):
            d = tc.fresh(FW, case)
            for part in parts:
                tc.launch(train, f"{case}+{part}" if part else case, d)
            tc.keep(d, FW, case)


main()
