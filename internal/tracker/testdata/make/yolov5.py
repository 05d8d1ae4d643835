"""YOLOv5 by its pip package (7.0.14, of 2024): its train.py on four made-up 32x32 images.

The package is older than the rest; what it lacks of its surroundings (numpy's trapz, roboflow, torch.load of pickles) is put back here.
"""
import os
import signal
import sys
import types

sys.path.append(sys.path.pop(0))  # this file is called yolov5.py too: the package must be found first
import torchcase as tc  # noqa: E402

os.environ.update(TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD="1", WANDB_MODE="disabled", YOLOv5_AUTOINSTALL="false", MPLBACKEND="Agg",
                  YOLO_CONFIG_DIR="/home/user/.config", YOLO_OFFLINE="true")
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

np.trapz = np.trapezoid
sys.modules["yolov5.utils.roboflow"] = types.ModuleType("yolov5.utils.roboflow")
sys.modules["yolov5.utils.roboflow"].RoboflowConnector = object
import yolov5.utils.downloads  # noqa: E402

yolov5.utils.downloads.attempt_download_from_hub = lambda *a, **k: None
import yolov5.train as y5  # noqa: E402
import matplotlib  # noqa: E402
import shutil  # noqa: E402
from yolov5.utils.general import CONFIG_DIR  # noqa: E402

# it would fetch a font from the net
shutil.copy(matplotlib.get_data_path() + "/fonts/ttf/DejaVuSans.ttf", CONFIG_DIR / "Arial.ttf")

FW = "yolov5"
HERE = os.path.dirname(os.path.abspath(y5.__file__)) + "/"


def data(d):
    rng = np.random.default_rng(1)
    for kind in ("images", "labels"):
        (d / "toy" / kind).mkdir(parents=True)
    for i in range(4):
        Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(d / f"toy/images/{i}.png")
        (d / f"toy/labels/{i}.txt").write_text("0 0.5 0.5 0.4 0.4\n")
    (d / "toy.yaml").write_text("path: /home/user/x/yolov5/data/toy\ntrain: images\nval: images\nnc: 1\nnames:\n  0: thing\n")


def train(case):
    y5.check_git_status = y5.check_requirements = lambda *a, **k: None
    real = y5.torch.save

    def save(ckpt, f, *a, **k):
        if str(f).endswith("last.pt"):
            n = ckpt["epoch"]
            if case == "resumed" and n == 2:  # the row of epoch 2 is written, last.pt is of epoch 1
                os.kill(os.getpid(), signal.SIGKILL)
            if case == "middle" and n == 2:
                real(ckpt, f, *a, **k)
                os.kill(os.getpid(), signal.SIGKILL)
        return real(ckpt, f, *a, **k)
    y5.torch.save = save
    if case == "early":
        falling = iter(range(100, 0, -1))
        y5.fitness = lambda x: np.array([next(falling) / 100])
    if case == "resumed+again":
        y5.run(resume="runs/train/exp/weights/last.pt")
        return
    y5.run(data="/home/user/x/yolov5/data/toy.yaml",
           cfg=HERE + "models/yolov5n.yaml", hyp=HERE + "data/hyps/hyp.scratch-low.yaml", weights="",
            epochs=8 if case == "early" else 4, imgsz=64, batch_size=2,
           workers=0, device="cpu", project="runs/train", noplots=case != "plots", patience=1 if case == "early" else 100, noautoanchor=True)


def main():
    d = tc.fresh(FW, "data")
    data(d)
    for case in ("middle", "end", "plots", "early"):
        if tc.wanted(case):
            d = tc.fresh(FW, case)
            tc.launch(train, case, d)
            tc.keep(d, FW, case, drop=["*tfevents*"] if case == "plots" else [])  # of 800 kB: with the graph
    if tc.wanted("resumed"):
        d = tc.fresh(FW, "resumed")
        tc.launch(train, "resumed", d)
        tc.launch(train, "resumed+again", d)
        tc.keep(d, FW, "resumed")


main()
