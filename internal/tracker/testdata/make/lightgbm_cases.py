"""LightGBM: it writes no file of its own, only log lines. Run as a script without arguments it makes every case."""

import sys

sys.dont_write_bytecode = True


def train(case):
    import time

    import lightgbm as lgb
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    def slow(env):  # so that it can be watched
        time.sleep(0.02)

    slow.order = 100
    x, y = load_breast_cancer(return_X_y=True)
    x, vx, y, vy = train_test_split(x, y, random_state=0)
    dtrain = lgb.Dataset(x, y)
    dvalid = lgb.Dataset(vx, vy, reference=dtrain)
    params = {"objective": "binary", "metric": ["binary_logloss", "auc"], "num_leaves": 7, "num_threads": 1}
    valid = {"valid_sets": [dvalid]}
    both = {"valid_sets": [dtrain, dvalid], "valid_names": ["train", "valid"]}
    quiet = {**params, "verbosity": -1}
    if case == "plain":
        lgb.train(params, dtrain, 60, **valid, callbacks=[lgb.log_evaluation(1), slow])
    elif case == "period":
        lgb.train(params, dtrain, 34, **both, callbacks=[lgb.log_evaluation(10)])
    elif case == "silent":  # no log_evaluation: since version 4 nothing tells of an iteration
        lgb.train(params, dtrain, 20, **valid)
    elif case == "early":
        model = lgb.train({**quiet, "learning_rate": 0.4}, dtrain, 500, **valid,
                          callbacks=[lgb.early_stopping(10), lgb.log_evaluation(1)])
        print("best iteration", model.best_iteration)
    elif case == "early_period":
        lgb.train({**quiet, "learning_rate": 0.4}, dtrain, 500, **both,
                  callbacks=[lgb.early_stopping(10, first_metric_only=True), lgb.log_evaluation(10)])
    elif case == "early_not_met":
        lgb.train(quiet, dtrain, 15, **valid, callbacks=[lgb.early_stopping(50), lgb.log_evaluation(5)])
    elif case == "cv":
        lgb.cv(quiet, dtrain, 12, nfold=3, callbacks=[lgb.log_evaluation(1, show_stdv=True)], seed=0)
    elif case == "cv_train_metric":
        lgb.cv(quiet, dtrain, 12, nfold=3, eval_train_metric=True, callbacks=[lgb.log_evaluation(4, show_stdv=False)], seed=0)
    elif case == "sklearn":
        model = lgb.LGBMClassifier(n_estimators=25, num_leaves=7, n_jobs=1, verbose=-1)
        model.fit(x, y, eval_set=[(x, y), (vx, vy)], callbacks=[lgb.log_evaluation(5)])
    elif case == "no_splits":  # the warning that comes once for every iteration
        lgb.train({**params, "min_data_in_leaf": 400}, dtrain, 6, **valid, callbacks=[lgb.log_evaluation(1)])
    elif case == "continued":  # init_model: the count goes on
        for first in (None, "model.txt"):
            dtrain = lgb.Dataset(x, y)
            model = lgb.train(quiet, dtrain, 10, [dtrain], init_model=first, callbacks=[lgb.log_evaluation(5)])
            model.save_model("model.txt")
    elif case == "logger":  # the user's own logger
        import logging

        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
        lgb.register_logger(logging.getLogger("lgbm"))
        lgb.train(params, dtrain, 10, **valid, callbacks=[lgb.log_evaluation(2)])


def make():
    from common import Training, in_log

    go = lambda *args, **kw: Training(__file__, *args, **kw)
    t = go("plain").until(in_log(r"^\[1\]")).keep("lightgbm", "start")
    t.go_on().until(in_log(r"^\[30\]")).keep("lightgbm", "middle")
    t.go_on().end().keep("lightgbm", "end")
    go("plain", buffered=True).until(in_log(r"^\[1\d\]")).keep("lightgbm", "buffered").kill()  # without PYTHONUNBUFFERED
    for case in ("period", "silent", "early", "early_period", "early_not_met", "cv", "cv_train_metric", "sklearn", "no_splits",
                 "continued", "logger"):
        go(case).end().keep("lightgbm", case, drop=["model.txt"])


if __name__ == "__main__":
    train(sys.argv[1]) if len(sys.argv) > 1 else make()
