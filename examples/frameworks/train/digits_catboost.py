"""Boosted trees on the digits, with CatBoost, which writes of its own accord to catboost_info/."""

import argparse
import os

from catboost import CatBoostClassifier
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--iterations", type=int, default=400)
parser.add_argument("--out", required=True)
args = parser.parse_args()

os.makedirs(args.out, exist_ok=True)
x, y = load_digits(return_X_y=True)
x, x_val, y, y_val = train_test_split(x, y, test_size=0.25, stratify=y, random_state=args.seed)

model = CatBoostClassifier(
    iterations=args.iterations,
    loss_function="MultiClass",
    eval_metric="Accuracy",
    learning_rate=0.1,
    depth=6,
    use_best_model=False,
    thread_count=1,
    random_seed=args.seed,
    train_dir=os.path.join(args.out, "catboost_info"),
)
model.fit(x, y, eval_set=(x_val, y_val), verbose=50)
model.save_model(os.path.join(args.out, "model.cbm"))
