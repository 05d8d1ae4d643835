"""What the scripts here share: they run a training script as a launcher would and keep what it left on disk."""

import getpass
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
REAL = HERE.parent / "real"
STAND_IN = 16  # bytes that are kept of a big binary file
BINARY = (".cbm", ".snapshot", ".keras", ".h5", ".ubj", ".bkp", ".ckpt")
HOME = "/home/user"


class Training:
    """A training process in a directory of its own, its output going to stdout.log there, as with Runsheet."""

    def __init__(self, script, *args, work=None, buffered=False, env=None):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="make-")) if work is None else pathlib.Path(work)
        self.log = self.root / "stdout.log"
        full = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        full.update({"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"})
        full.update({"PYTHONDONTWRITEBYTECODE": "1", "CUDA_VISIBLE_DEVICES": ""})
        for name in ("COLUMNS", "LINES"):
            full.pop(name, None)
        if not buffered:
            full["PYTHONUNBUFFERED"] = "1"
        full.update(env or {})
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(script), *map(str, args)],
                cwd=self.root, env=full, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )

    def until(self, condition, seconds=120):
        """Waits until condition(root) holds while the process runs, and freezes it there."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if condition(self.root):
                    os.killpg(self.process.pid, signal.SIGSTOP)
                    time.sleep(0.05)
                    return self
            except FileNotFoundError:
                pass
            if self.process.poll() is not None:
                raise SystemExit(f"it ended ({self.process.returncode}) before the condition held: {self.text()[-2000:]}")
            time.sleep(0.002)
        self.kill()
        raise SystemExit(f"the condition never held: {self.text()[-2000:]}")

    def go_on(self):
        os.killpg(self.process.pid, signal.SIGCONT)
        return self

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return self

    def end(self, code=0):
        """Waits for the end, which has to be with the exit code."""
        self.process.wait(timeout=300)
        if code is not None and self.process.returncode != code:
            raise SystemExit(f"exit code {self.process.returncode}: {self.text()[-2000:]}")
        return self

    def text(self):
        return self.log.read_text(errors="replace")

    def keep(self, framework, case, drop=()):
        """Copies what lies in the directory to real/FRAMEWORK/CASE, without names of this machine."""
        to = REAL / framework / case
        shutil.rmtree(to, ignore_errors=True)
        for path in sorted(self.root.rglob("*")):
            name = path.relative_to(self.root).as_posix()
            if path.is_dir():
                continue
            if any(re.search(d, name) for d in drop):
                continue
            data = clean(path.read_bytes(), self.root)
            if path.name == "mlflow.user":
                data = b"user"
            if path.suffix in BINARY or b"\0" in data[:1024] and "tfevents" not in name:
                data = data[:STAND_IN]
            if len(data) > 60_000:
                raise SystemExit(f"{case}: {name} has {len(data)} bytes")
            out = to / name.replace(socket.gethostname(), "host") if "tfevents" in name else to / name
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_bytes(data)
        size = sum(p.stat().st_size for p in to.rglob("*") if p.is_file())
        print(f"{framework}/{case}: {size} bytes")
        return self


def clean(data, root):
    """Replaces what only this machine has; no format here counts the bytes of a path."""
    user = "user_id: " + getpass.getuser()
    for old, new in (
        (user, "user_id: user"),
        (str(root), HOME + "/work"),
        (str(pathlib.Path(sys.prefix)), HOME + "/venv"),
        (str(HERE), HOME),
    ):
        data = data.replace(old.encode(), new.encode())
    return data


def lines(root, name, pattern):
    """Counts the matches of a pattern in a file."""
    return len(re.findall(pattern, (root / name).read_text(errors="replace"), re.M))


def in_log(pattern, count=1):
    """The condition that the log matches a pattern so many times."""
    return lambda root: lines(root, "stdout.log", pattern) >= count


def in_file(name, pattern, count=1):
    """The condition that a file matches a pattern so many times."""
    return lambda root: lines(root, name, pattern) >= count
