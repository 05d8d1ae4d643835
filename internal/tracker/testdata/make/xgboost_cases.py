"""XGBoost: it writes no file of its own, only log lines. Run as a script without arguments it makes every case."""

import sys

sys.dont_write_bytecode = True


def train(case):
    import time

    import xgboost as xgb
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    class Slow(xgb.callback.TrainingCallback):  # so that it can be watched
        def after_iteration(self, model, epoch, evals_log):
            time.sleep(0.02)
            return False

    x, y = load_breast_cancer(return_X_y=True)
    x, vx, y, vy = train_test_split(x, y, random_state=0)
    dtrain, dvalid = xgb.DMatrix(x, y), xgb.DMatrix(vx, vy)
    params = {"objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "eta": 0.1, "max_depth": 3, "nthread": 1}
    both = [(dtrain, "train"), (dvalid, "valid")]
    if case == "plain":
        xgb.train(params, dtrain, num_boost_round=60, evals=both, callbacks=[Slow()])
    elif case == "early":
        model = xgb.train({**params, "eta": 0.5}, dtrain, num_boost_round=500, evals=both, early_stopping_rounds=8)
        print("best iteration", model.best_iteration, "best score", model.best_score)
    elif case == "early_period":  # it stops between two lines
        xgb.train({**params, "eta": 0.5}, dtrain, num_boost_round=500, evals=both, early_stopping_rounds=8, verbose_eval=10)
    elif case == "early_not_met":
        xgb.train(params, dtrain, num_boost_round=12, evals=both, early_stopping_rounds=50)
    elif case == "period":
        xgb.train(params, dtrain, num_boost_round=34, evals=both, verbose_eval=10)
    elif case == "silent":  # no evals, no lines
        xgb.train(params, dtrain, num_boost_round=12)
    elif case == "cv":
        xgb.cv(params, dtrain, num_boost_round=12, nfold=3, verbose_eval=True, seed=0)
    elif case == "sklearn":
        model = xgb.XGBClassifier(n_estimators=25, max_depth=3, n_jobs=1, eval_metric="logloss")
        model.fit(x, y, eval_set=[(x, y), (vx, vy)])
    elif case == "sklearn_early":
        model = xgb.XGBClassifier(n_estimators=300, max_depth=3, learning_rate=0.5, n_jobs=1, early_stopping_rounds=5)
        model.fit(x, y, eval_set=[(vx, vy)], verbose=5)
    elif case == "checkpoints":  # XGBoost's own checkpoints; a second process goes on from the last
        import pathlib

        old = sorted(pathlib.Path("checkpoints").glob("*.ubj"), key=lambda p: int(p.stem.split("_")[-1]))
        pathlib.Path("checkpoints").mkdir(exist_ok=True)
        keep = xgb.callback.TrainingCheckPoint("checkpoints", name="model", interval=10)
        first = xgb.Booster(model_file=str(old[-1])) if old else None
        done = first.num_boosted_rounds() if first else 0
        xgb.train(params, dtrain, num_boost_round=40 - done, evals=both, xgb_model=first, callbacks=[keep, Slow()])
    elif case == "verbosity":  # its own warnings and messages between the lines
        xgb.train({**params, "verbosity": 2, "no_such": 1}, dtrain, num_boost_round=6, evals=both)
    elif case == "nan":
        import numpy

        def metric(predictions, data):
            return "mine", float("nan")

        xgb.train(params, dtrain, num_boost_round=4, evals=both, custom_metric=metric)
        xgb.train({**params, "objective": "reg:squarederror", "eval_metric": "rmse"}, dtrain, num_boost_round=3, evals=both,
                  custom_metric=lambda p, d: ("big", numpy.inf))


def make():
    from common import Training, in_log

    go = lambda *args, **kw: Training(__file__, *args, **kw)
    t = go("plain").until(in_log(r"^\[0\]")).keep("xgboost", "start")
    t.go_on().until(in_log(r"^\[29\]")).keep("xgboost", "middle")
    t.go_on().end().keep("xgboost", "end")
    t = go("plain", buffered=True).until(in_log(r"^\[1\d\]")).keep("xgboost", "buffered").kill()  # without PYTHONUNBUFFERED
    t = go("checkpoints").until(in_log(r"^\[25\]")).kill().keep("xgboost", "killed")
    go("checkpoints", work=t.root).end().keep("xgboost", "resumed")
    for case in ("early", "early_period", "early_not_met", "period", "silent", "cv", "sklearn", "sklearn_early", "verbosity", "nan"):
        go(case).end().keep("xgboost", case)


if __name__ == "__main__":
    train(sys.argv[1]) if len(sys.argv) > 1 else make()
