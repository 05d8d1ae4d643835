"""CatBoost: catboost_info/ and its log lines. Run as a script without arguments it makes every case."""

import sys

sys.dont_write_bytecode = True


def train(case):
    import time

    from catboost import CatBoostClassifier, CatBoostRegressor, Pool, cv
    from sklearn.datasets import load_breast_cancer, load_diabetes
    from sklearn.model_selection import train_test_split

    class Slow:  # so that it can be watched
        def after_iteration(self, info):
            time.sleep(0.02)
            return True

    class NaN:  # a metric of the user's own that is not finite: training ends with an error
        def get_final_error(self, error, weight):
            return error

        def is_max_optimal(self):
            return True

        def evaluate(self, approxes, target, weight):
            return float("nan"), 1.0

    x, y = load_breast_cancer(return_X_y=True)
    x, vx, y, vy = train_test_split(x, y, random_state=0)
    common = dict(depth=3, thread_count=1, random_seed=0)
    if case == "plain":  # everything on default, with a validation set
        model = CatBoostClassifier(iterations=40, **common)
        model.fit(x, y, eval_set=(vx, vy), callbacks=[Slow()])
        model.save_model("model.cbm")
    elif case == "learn_only":
        CatBoostClassifier(iterations=10, verbose=False, **common).fit(x, y)
    elif case == "early":
        model = CatBoostClassifier(iterations=500, learning_rate=0.5, od_type="Iter", od_wait=10, eval_metric="AUC",
                                   metric_period=5, **common)
        model.fit(x, y, eval_set=[(vx, vy)])
    elif case == "two_sets":  # two validation sets, more metrics, a period, a directory of its own
        model = CatBoostClassifier(iterations=23, custom_metric=["AUC", "Accuracy:hints=skip_train~false"], metric_period=5,
                                   train_dir="cat_logs", use_best_model=False, **common)
        model.fit(x, y, eval_set=[(vx, vy), (vx[:50], vy[:50])], verbose=10)
    elif case in ("snapshot", "resumed"):
        model = CatBoostClassifier(iterations=40, save_snapshot=True, snapshot_file="train.snapshot", snapshot_interval=0,
                                   **common)
        model.fit(x, y, eval_set=(vx, vy))
    elif case == "slow_snapshot":  # the snapshot is older than the last iteration that was written
        model = CatBoostClassifier(iterations=60, save_snapshot=True, snapshot_file="train.snapshot", snapshot_interval=1,
                                   **common)
        class Metric:
            def get_final_error(self, error, weight):
                time.sleep(0.05)
                return error / weight

            def is_max_optimal(self):
                return False

            def evaluate(self, approxes, target, weight):
                return 1.0, 1.0

        model.set_params(eval_metric=Metric())
        model.fit(x, y, eval_set=(vx, vy))
    elif case == "nan":
        model = CatBoostClassifier(iterations=5, eval_metric=NaN(), **common)
        model.fit(x, y, eval_set=(vx, vy), use_best_model=False)
    elif case == "cv":
        cv(Pool(x, y), {"iterations": 10, "loss_function": "Logloss", **common}, fold_count=3, verbose=5)
    elif case == "regression_silent":
        x, y = load_diabetes(return_X_y=True)
        CatBoostRegressor(iterations=12, logging_level="Silent", allow_writing_files=True, **common).fit(x, y)
    elif case == "no_files":
        CatBoostClassifier(iterations=12, allow_writing_files=False, **common).fit(x, y)


def make():
    from common import Training, in_file, in_log

    name = "catboost_info/catboost_training.json"
    go = lambda *args, **kw: Training(__file__, *args, **kw)
    t = go("plain").until(in_file(name, '"iteration":0\\b')).keep("catboost", "start")
    t.go_on().until(in_file(name, '"iteration":17\\b')).keep("catboost", "middle")
    t.go_on().end().keep("catboost", "end")
    go("nan").end(1).keep("catboost", "nan")
    for case in ("early", "learn_only", "two_sets", "cv", "regression_silent", "no_files"):
        go(case).end().keep("catboost", case)
    t = go("slow_snapshot").until(in_file(name, '"iteration":32\\b')).kill().keep("catboost", "killed")
    again = lambda root: in_log("^Learning rate set", 2)(root) and not in_file(name, '"iteration":32\\b')(root)
    t = go("slow_snapshot", work=t.root).until(again).keep("catboost", "resumed_start")
    t.go_on().end().keep("catboost", "resumed")
    t = go("snapshot").end()
    go("snapshot", work=t.root).end().keep("catboost", "resumed_complete")


if __name__ == "__main__":
    train(sys.argv[1]) if len(sys.argv) > 1 else make()
