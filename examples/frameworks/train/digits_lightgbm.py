"""Boosted trees on the digits, with LightGBM: as many rounds as the validation set asks for, and it stops early."""

import argparse
import os

import lightgbm as lgb
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--rounds", type=int, default=2000)
parser.add_argument("--patience", type=int, default=25)
parser.add_argument("--out", required=True)
args = parser.parse_args()

os.makedirs(args.out, exist_ok=True)
x, y = load_digits(return_X_y=True)
x, x_val, y, y_val = train_test_split(x, y, test_size=0.25, stratify=y, random_state=args.seed)
train = lgb.Dataset(x, y)

booster = lgb.train(
    {
        "objective": "multiclass",
        "metric": ["multi_logloss", "multi_error"],
        "num_class": 10,
        "learning_rate": 0.02,
        "num_leaves": 31,
        "num_threads": 1,
        "seed": args.seed,
        "verbosity": -1,
    },
    train,
    num_boost_round=args.rounds,
    valid_sets=[lgb.Dataset(x_val, y_val, reference=train)],
    valid_names=["valid"],
    callbacks=[lgb.early_stopping(args.patience, first_metric_only=True), lgb.log_evaluation(10)],
)
booster.save_model(os.path.join(args.out, "model.txt"), num_iteration=booster.best_iteration)
