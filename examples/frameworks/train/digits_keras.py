"""A small convolutional network on the digits, with Keras. --resume goes on from the backup that Keras keeps."""

import argparse
import os
import shutil

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--out", required=True)
parser.add_argument("--resume", action="store_true")
args = parser.parse_args()

os.makedirs(args.out, exist_ok=True)
backup = os.path.join(args.out, "backup")
if not args.resume:
    shutil.rmtree(backup, ignore_errors=True)

keras.utils.set_random_seed(args.seed)
x, y = load_digits(return_X_y=True)
x = x.reshape(-1, 8, 8, 1) / 16
x, x_val, y, y_val = train_test_split(x, y, test_size=0.25, stratify=y, random_state=args.seed)

model = keras.Sequential(
    [
        keras.layers.Input((8, 8, 1)),
        keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
        keras.layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(
    x,
    y,
    batch_size=32,
    epochs=args.epochs,
    validation_data=(x_val, y_val),
    callbacks=[
        # The backup is written in place: one that a kill has cut cannot be read, so that two are kept.
        keras.callbacks.BackupAndRestore(backup, double_checkpoint=True),
        keras.callbacks.CSVLogger(os.path.join(args.out, "training.csv"), append=args.resume),
    ],
)
model.save(os.path.join(args.out, "model.keras"))
