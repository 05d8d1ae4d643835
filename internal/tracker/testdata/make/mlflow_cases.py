"""MLflow: its file store, and what its store is by default. Run as a script without arguments it makes every case."""

import sys

sys.dont_write_bytecode = True


def train(case):
    import os
    import time

    import mlflow

    if case != "default":
        mlflow.set_tracking_uri("file:./mlruns")
    mlflow.set_experiment("digits")

    def epochs(first, last):
        for epoch in range(first, last):
            time.sleep(0.1)
            mlflow.log_metric("train/loss", 1 / (1 + epoch), step=epoch)
            mlflow.log_metrics({"val/loss": 1.1 / (1 + epoch), "val/acc": 0.5 + epoch / 40, "epoch": epoch + 1}, step=epoch)
            if epoch == 2:
                mlflow.log_metric("bad", float("nan"), step=epoch)
                mlflow.log_metric("bad", float("inf"), step=epoch)
                mlflow.log_metric("no_step", 3)
            print("epoch", epoch, "done")

    params = {"epochs": 10, "lr": 1e-4, "model": "mlp"}
    if case == "fails":
        with mlflow.start_run(run_name="doomed"):
            mlflow.log_params(params)
            epochs(0, 4)
            raise RuntimeError("loss is NaN")
    elif case == "killed_status":
        run = mlflow.start_run()
        epochs(0, 2)
        mlflow.end_run("KILLED")
    elif case == "nested":
        with mlflow.start_run(run_name="parent"):
            for i in range(2):
                with mlflow.start_run(run_name=f"child {i}", nested=True):
                    mlflow.log_params({**params, "seed": i})
                    epochs(0, 3)
    elif case == "resumed":
        run_id = next(n for n in os.listdir("mlruns/" + experiment()) if len(n) == 32)
        with mlflow.start_run(run_id=run_id):
            epochs(3, 10)
    elif case == "autolog":
        from sklearn.datasets import load_digits
        from sklearn.neural_network import MLPClassifier

        mlflow.sklearn.autolog(log_models=False, log_datasets=False)
        x, y = load_digits(return_X_y=True)
        MLPClassifier((8,), max_iter=12).fit(x[:200], y[:200])
    elif case == "autolog_xgboost":
        import xgboost
        from sklearn.datasets import load_breast_cancer

        mlflow.xgboost.autolog(log_models=False, log_datasets=False)
        x, y = load_breast_cancer(return_X_y=True)
        data = xgboost.DMatrix(x, y)
        xgboost.train({"objective": "binary:logistic", "nthread": 1}, data, 12, evals=[(data, "train")])
    else:
        with mlflow.start_run(run_name="plain"):
            mlflow.log_params(params)
            mlflow.set_tag("note", "two\nlines")
            epochs(0, 10)
            with open("out.txt", "w") as f:
                f.write("hello\n")
            mlflow.log_artifact("out.txt")


def experiment():
    import os

    return next(n for n in os.listdir("mlruns") if len(n) > 10)


def make():
    from common import Training, in_log

    file_store = {"MLFLOW_ALLOW_FILE_STORE": "true", "GIT_PYTHON_REFRESH": "quiet"}
    go = lambda *args, **kw: Training(__file__, *args, **{"env": file_store, **kw})
    t = go("plain").until(in_log("epoch 0 done")).keep("mlflow", "start")
    t.go_on().until(in_log("epoch 5 done")).keep("mlflow", "middle")
    t.go_on().end().keep("mlflow", "end")
    go("fails").end(1).keep("mlflow", "fails")
    t = go("plain").until(in_log("epoch 4 done")).kill().keep("mlflow", "killed")
    go("resumed", work=t.root).end().keep("mlflow", "resumed")
    go("killed_status").end().keep("mlflow", "killed_status")
    go("nested").end().keep("mlflow", "nested")
    go("autolog").end().keep("mlflow", "autolog", drop=["estimator.html"])
    go("autolog_xgboost").end().keep("mlflow", "autolog_xgboost")
    go("plain", env={}).end(1).keep("mlflow", "file_store_refused")
    go("default", env={}).end().keep("mlflow", "default")  # mlflow.db itself is too big


if __name__ == "__main__":
    train(sys.argv[1]) if len(sys.argv) > 1 else make()
