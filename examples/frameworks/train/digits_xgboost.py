"""Boosted trees on the digits, with XGBoost: a fixed number of rounds."""

import argparse
import os

import xgboost as xgb
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--rounds", type=int, default=400)
parser.add_argument("--out", required=True)
args = parser.parse_args()

os.makedirs(args.out, exist_ok=True)
x, y = load_digits(return_X_y=True)
x, x_val, y, y_val = train_test_split(x, y, test_size=0.25, stratify=y, random_state=args.seed)
train, valid = xgb.DMatrix(x, y), xgb.DMatrix(x_val, y_val)

booster = xgb.train(
    {
        "objective": "multi:softprob",
        "num_class": 10,
        "eval_metric": ["mlogloss", "merror"],
        "eta": 0.03,
        "max_depth": 6,
        "subsample": 0.8,
        "nthread": 1,
        "seed": args.seed,
    },
    train,
    num_boost_round=args.rounds,
    evals=[(train, "train"), (valid, "valid")],
    verbose_eval=10,
)
booster.save_model(os.path.join(args.out, "model.json"))
