"""scikit-learn and Optuna: their log lines. Run as a script without arguments it makes every case."""

import sys

sys.dont_write_bytecode = True


def train(case):
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x, y = x[:300] / 16, y[:300]
    if case == "mlp":
        from sklearn.neural_network import MLPClassifier

        MLPClassifier((16,), max_iter=30, verbose=True, random_state=0).fit(x, y)
    elif case == "mlp_early":
        from sklearn.neural_network import MLPClassifier

        MLPClassifier((16,), max_iter=300, verbose=True, early_stopping=True, n_iter_no_change=3, tol=0.01, random_state=0).fit(x, y)
    elif case == "gradient_boosting":
        from sklearn.ensemble import GradientBoostingClassifier

        GradientBoostingClassifier(n_estimators=130, max_depth=1, subsample=0.5, verbose=1, random_state=0).fit(x, y % 2)
    elif case == "gradient_boosting_2":
        from sklearn.ensemble import GradientBoostingClassifier

        GradientBoostingClassifier(n_estimators=12, max_depth=1, verbose=2, random_state=0).fit(x, y % 2)
    elif case == "hist_gradient_boosting":
        from sklearn.ensemble import HistGradientBoostingClassifier

        HistGradientBoostingClassifier(max_iter=12, verbose=1, early_stopping=True, random_state=0).fit(x, y % 2)
    elif case == "sgd":
        from sklearn.linear_model import SGDClassifier

        SGDClassifier(max_iter=8, tol=None, verbose=1, random_state=0).fit(x, y % 2)
    elif case == "random_forest":
        from sklearn.ensemble import RandomForestClassifier

        RandomForestClassifier(n_estimators=12, verbose=2, random_state=0).fit(x, y)
    elif case == "grid_search":
        from sklearn.model_selection import GridSearchCV
        from sklearn.tree import DecisionTreeClassifier

        GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [2, 4, 8]}, cv=3, verbose=3).fit(x, y)
    elif case == "kmeans":
        from sklearn.cluster import KMeans

        KMeans(5, n_init=2, max_iter=20, verbose=1, random_state=0).fit(x)
    elif case == "optuna":
        import optuna

        def objective(trial):
            a = trial.suggest_float("a", -1, 1)
            for step in range(3):
                trial.report(a * a + step, step)
                if trial.number % 4 == 3:
                    raise optuna.TrialPruned()
            return a * a

        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), study_name="example")
        study.optimize(objective, n_trials=12)
    elif case == "optuna_bar":
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        study.optimize(lambda trial: trial.suggest_float("a", -1, 1), n_trials=12, show_progress_bar=True)


def make():
    from common import Training, in_log

    go = lambda *args, **kw: Training(__file__, *args, **kw)
    for case in ("mlp", "mlp_early", "gradient_boosting", "gradient_boosting_2", "hist_gradient_boosting", "sgd", "random_forest",
                 "grid_search", "kmeans"):
        go(case).end().keep("sklearn", case)
    go("optuna").end().keep("optuna", "end")
    go("optuna_bar").end().keep("optuna", "bar")


if __name__ == "__main__":
    train(sys.argv[1]) if len(sys.argv) > 1 else make()
