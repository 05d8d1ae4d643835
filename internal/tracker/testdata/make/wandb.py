"""wandb in offline mode. Each program is started anew, as its exit hooks matter; wandb-core is a process of its own."""
import os
import signal
import sys
import time

sys.path.append(sys.path.pop(0))
import torchcase as tc  # noqa: E402

FW = "wandb"
DROP = ["logs", "requirements.txt", "debug*.log"]  # the last are links to what is below logs


def train(case):
    import wandb

    base = case.split("+")[0]
    more = dict(id="abc12345", resume="allow") if base == "resumed" else {}
    run = wandb.init(mode="offline", project="toy", config={"epochs": 40 if base == "killed" else 10, "lr": 0.1, "batch_size": 4}, **more)
    for epoch in range(4 if case == "resumed+again" else 0, 40 if base == "killed" else 10):
        loss = 1 / (epoch + 1)
        if base == "nan" and epoch > 5:
            loss = float("nan") if epoch % 2 else float("inf")
        wandb.log({"epoch": epoch, "train/loss": loss, "val": {"acc": epoch / 10}})
        print(f"epoch {epoch}: loss {loss:.4f}", flush=True)
        if base == "killed":  # long enough for wandb-core to write; the last rows are still in its buffer
            time.sleep(1)
            if epoch == 38:
                os.kill(os.getpid(), signal.SIGKILL)
        if base in ("killed-soon", "resumed") and epoch == 6 and case != "resumed+again":
            time.sleep(5)
            os.kill(os.getpid(), signal.SIGKILL)
        if base == "running" and epoch == 6:
            open("../now", "w").close()
            time.sleep(60)
        if base == "start" and epoch == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if base == "terminated" and epoch == 6:
            time.sleep(3)
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(20)
        if base == "interrupted" and epoch == 6:
            time.sleep(3)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(20)
        if base == "exit1" and epoch == 6:
            sys.exit(1)
        if base == "crashed" and epoch == 6:
            raise RuntimeError("CUDA error: device-side assert triggered (made up)")
    if base == "finish1":
        run.finish(exit_code=1)


def main():
    env = {"WANDB_DISABLE_GIT": "true", "WANDB_DISABLE_CODE": "true", "WANDB_X_DISABLE_STATS": "true", "WANDB_CONSOLE": "wrap"}
    for case in ("end", "killed", "killed-soon", "exit1", "crashed", "running", "start", "nan", "terminated", "interrupted"):
        if not tc.wanted(case):
            continue
        d = tc.fresh(FW, case)
        if case == "running":  # copied while it runs, some seconds after the last log()
            flag = d.parent / "now"
            flag.unlink(missing_ok=True)
            seen = []

            def copy(cwd):
                if flag.exists():
                    seen.append(time.time())
                    if time.time() - seen[0] > 20:
                        tc.keep(cwd, FW, case, drop=DROP)
                        return True
            tc.spawn([case], d, kill=copy, env=env)
            flag.unlink()
            continue
        sizes = {}

        def watch(cwd):
            for f in cwd.glob("wandb/offline-run-*/*.wandb"):
                if f.stat().st_size not in sizes:
                    sizes[f.stat().st_size] = time.time()
        tc.spawn([case], d, kill=watch if case == "killed" else None, env=env)
        first = min(sizes.values(), default=0)
        print("  ", [(n, round(t - first, 1)) for n, t in sizes.items()], file=sys.stderr)
        time.sleep(8)  # wandb-core outlives a killed program for a moment
        tc.keep(d, FW, case, drop=DROP)
    if tc.wanted("resumed"):
        d = tc.fresh(FW, "resumed")
        tc.spawn(["resumed+killed"], d, env=env)
        time.sleep(3)
        tc.spawn(["resumed+again"], d, env=env)
        tc.keep(d, FW, "resumed", drop=DROP)


train(sys.argv[1]) if sys.argv[1:] else main()
