"""tqdm and rich.progress with their output in a file. Run as a script without arguments it makes every case."""

import sys

sys.dont_write_bytecode = True


def train(case):
    import time

    from tqdm import tqdm, trange

    nap = lambda s=0.03: time.sleep(s)
    if case == "plain":
        for _ in tqdm(range(60)):
            nap(0.05)
    elif case == "desc":  # a bar for each epoch, its loss behind it
        for epoch in range(4):
            bar = tqdm(range(20), desc=f"Epoch {epoch + 1}/4")
            for i in bar:
                nap()
                bar.set_postfix(loss=1 / (1 + i + epoch * 20), lr=1e-4)
            print(f"epoch {epoch + 1}: val_acc={0.5 + epoch / 10:.4f}")
    elif case == "nested":  # epochs above, batches below; the inner bars stay
        for _ in trange(4, desc="epochs"):
            for _ in trange(15, desc="batches"):
                nap()
    elif case == "nested_leave":  # the inner bars are wiped
        for _ in trange(4, desc="epochs", position=0):
            for _ in tqdm(range(15), desc="train", position=1, leave=False):
                nap()
            for _ in tqdm(range(5), desc="val", position=1, leave=False):
                nap()
    elif case == "unit_scale":
        with tqdm(total=3_400_000, unit="B", unit_scale=True, desc="model.safetensors") as bar:
            for _ in range(17):
                nap(0.1)
                bar.update(200_000)
        with tqdm(total=5000, unit="samples", unit_scale=True, unit_divisor=1024) as bar:
            for _ in range(25):
                nap()
                bar.update(200)
    elif case == "no_total":
        for i in tqdm(iter(int, 1), desc="train"):
            nap()
            if i == 0 and time.monotonic() > start + 2:
                break
    elif case == "over":  # more than its total
        with tqdm(total=10) as bar:
            for _ in range(15):
                nap(0.1)
                bar.update()
    elif case == "loading":  # loading data beside training, evaluation between
        for _ in tqdm(range(200), desc="Loading data"):
            nap(0.002)
        train_bar = tqdm(total=40, desc="Training")
        for step in range(40):
            nap(0.05)
            train_bar.update()
            if step % 20 == 19:
                for _ in tqdm(range(8), desc="Evaluating", leave=False):
                    nap()
        train_bar.close()
    elif case == "break":
        for i in tqdm(range(100), desc="train"):
            nap()
            if i == 42:
                break
        print("stopped early")
    elif case == "fails":
        for i in tqdm(range(100), desc="train"):
            nap()
            if i == 42:
                raise RuntimeError("CUDA error: device-side assert triggered")
    elif case == "ascii":
        for _ in tqdm(range(40), ascii=True, ncols=80, desc="train"):
            nap()
        for _ in tqdm(range(20), ascii=" .oO0", ncols=60):
            nap()
    elif case == "ncols0":
        for _ in tqdm(range(40), ncols=0, desc="train"):
            nap()
    elif case == "narrow":
        for _ in tqdm(range(40), ncols=30, desc="train"):
            nap()
    elif case == "slow":  # more than a second for each
        for _ in tqdm(range(4), desc="train"):
            nap(1.2)
    elif case == "write":  # tqdm.write between
        bar = trange(20, desc="train")
        for i in bar:
            nap(0.06)
            if i % 5 == 4:
                tqdm.write(f"step {i + 1}: loss {1 / (i + 1):.3f}")
    elif case == "mininterval":
        for _ in tqdm(range(60), mininterval=1, desc="train"):
            nap(0.05)
    elif case == "initial":  # resumed
        for _ in tqdm(range(30, 60), initial=30, total=60, desc="train"):
            nap()
    elif case == "bar_format":
        for _ in tqdm(range(30), desc="train", bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_noinv_fmt}{postfix}]"):
            nap()
    elif case == "stdout":  # on stdout, with prints in the same line
        for i in tqdm(range(20), desc="train", file=sys.stdout):
            nap(0.06)
            if i % 5 == 4:
                print("step", i + 1)
    elif case == "disabled":  # disable=None is off where there is no terminal
        for _ in tqdm(range(20), disable=None):
            nap()
        print("done")
    elif case == "auto":
        from tqdm.auto import tqdm as auto

        for _ in auto(range(20), desc="auto"):
            nap()
    elif case == "colour":
        for _ in tqdm(range(20), desc="train", colour="green"):
            nap()
    elif case == "logging":
        import logging

        from tqdm.contrib.logging import logging_redirect_tqdm

        logging.basicConfig(level=logging.INFO)
        with logging_redirect_tqdm():
            for i in tqdm(range(20), desc="train"):
                nap(0.06)
                if i % 5 == 4:
                    logging.info("step %d", i + 1)
    elif case.startswith("rich"):
        from rich.progress import MofNCompleteColumn, Progress, track

        if case == "rich_track":
            for _ in track(range(40), description="Training"):
                nap()
        elif case == "rich_terminal":  # as where the user forces colours
            with Progress(*Progress.get_default_columns(), MofNCompleteColumn()) as progress:
                epochs = progress.add_task("epochs", total=3)
                for epoch in range(3):
                    batches = progress.add_task(f"epoch {epoch}", total=10)
                    for _ in range(10):
                        nap()
                        progress.advance(batches)
                    progress.advance(epochs)
        else:
            with Progress() as progress:
                task = progress.add_task("Training", total=40)
                for i in range(40):
                    nap()
                    progress.advance(task)
                    if i % 10 == 9:
                        progress.console.print(f"step {i + 1}: loss {1 / (i + 1):.3f}")


def make():
    from common import Training, in_log

    go = lambda *args, **kw: Training(__file__, *args, **kw)
    t = go("plain").until(in_log(r" 0/60 ")).keep("tqdm", "start")
    t.go_on().until(in_log(r" (2[5-9]|3\d)/60 ")).keep("tqdm", "middle")
    t.go_on().end().keep("tqdm", "end")
    t = go("desc").until(in_log(r"Epoch 3/4:.* (9|1\d)/20 ")).keep("tqdm", "desc_middle")
    t.go_on().end().keep("tqdm", "desc")
    t = go("nested").until(in_log(r" 2/4 [\s\S]*batches:.* ([3-9]|1[0-4])/15 ")).keep("tqdm", "nested_middle")
    t.go_on().end().keep("tqdm", "nested")
    t = go("nested_leave").until(in_log(r" 1/4 [\s\S]*val:.* [1-5]/5 ")).keep("tqdm", "nested_leave_middle")
    t.go_on().end().keep("tqdm", "nested_leave")
    t = go("loading").until(in_log(r"Training:.* 40/40 [\s\S]*Evaluating:.* [1-8]/8 ")).keep("tqdm", "loading_middle")
    t.go_on().end().keep("tqdm", "loading")
    t = go("plain").until(in_log(r" (1\d|2\d)/60 ")).kill()
    go("initial", work=t.root).end().keep("tqdm", "resumed")
    go("fails").end(1).keep("tqdm", "fails")
    for case in ("unit_scale", "no_total", "over", "break", "ascii", "ncols0", "narrow", "slow", "write", "mininterval",
                 "bar_format", "stdout", "disabled", "auto", "colour", "logging"):
        go(case).end().keep("tqdm", case)
    t = go("rich").until(in_log("step 20")).keep("rich", "middle")
    t.go_on().end().keep("rich", "end")
    go("rich_track").end().keep("rich", "track")
    t = go("rich_track").until(lambda root: time.sleep(1.5) or True).kill().keep("rich", "track_killed")
    go("rich_terminal", env={"FORCE_COLOR": "1", "TERM": "xterm-256color"}).end().keep("rich", "forced_terminal")


if __name__ == "__main__":
    import time

    start = time.monotonic()
    train(sys.argv[1]) if len(sys.argv) > 1 else make()
