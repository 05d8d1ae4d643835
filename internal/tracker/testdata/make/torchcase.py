"""What the make scripts of the torch frameworks share: run a training program as a launcher would, kill it, keep its files.

A make script is a driver that forks the training programs. Run it by torchbox.sh. ONLY=case,case in the environment
restricts it.
"""
import atexit
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback

X = pathlib.Path("/home/user/x")
REAL = pathlib.Path(__file__).resolve().parent.parent / "real"
BINARY = re.compile(r"\.(ckpt|pt|pth|bin|safetensors|png|jpg|jpeg|npz|npy|pkl|zip|tar|distcp|onnx|cache|gz|so)$")
child = False  # whether this process is a training program
STAND_IN = b"stand-in, 16 B.\n"


def wanted(case):
    only = os.environ.get("ONLY", "")
    return not only or case in only.split(",")


def fresh(framework, case):
    """A new, empty directory below x in which a training program runs."""
    d = X / framework / case
    shutil.rmtree(d, ignore_errors=True)
    d.mkdir(parents=True)
    return d


def keep(src, framework, case, drop=()):
    """Copies a directory into real/<framework>/<case>, big binary files as stand-ins; symbolic links stay links."""
    src, dst = pathlib.Path(src), REAL / framework / case
    shutil.rmtree(dst, ignore_errors=True)
    total = 0
    for root, dirs, files in os.walk(src):
        rel = pathlib.Path(root).relative_to(src)
        dirs[:] = [d for d in dirs if d not in ("__pycache__",) and not any((rel / d).match(p) for p in drop)]
        for d in list(dirs):
            if (pathlib.Path(root) / d).is_symlink():
                dirs.remove(d)
                files.append(d)
        for f in files:
            p, q = pathlib.Path(root) / f, dst / rel / f
            if any((rel / f).match(pat) for pat in drop):
                continue
            q.parent.mkdir(parents=True, exist_ok=True)
            if p.is_symlink():
                q.symlink_to(os.readlink(p))
                continue
            data = p.read_bytes()
            if BINARY.search(f) and not f.endswith(".wandb") and "tfevents" not in f:
                data = STAND_IN if data else b""  # an empty file is kept empty
            q.write_bytes(data)
            total += len(data)
            if len(data) > 20000 and not child:
                print(f"BIG {framework}/{case}/{rel / f}: {len(data)}", file=sys.stderr)
    if not child:
        print(f"kept {framework}/{case}: {total} bytes", file=sys.stderr)


def launch(fn, case, cwd, kill=None, env=None, log="stdout.log", sig=signal.SIGKILL, timeout=400):
    """Runs fn(case) in a process of its own in cwd, stdout and stderr appended to log as a launcher does; kill is polled.

    It is forked, not started anew: importing torch takes longer than everything else, and is done once by the driver.
    """
    global child
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        child = True
        os.setsid()
        os.chdir(cwd)
        os.environ.update(env or {})
        fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(fd, 1)
        os.dup2(fd, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        # a program whose stdout is a file buffers whole blocks of it
        sys.stdout = open(1, "w", buffering=8192, closefd=False)
        sys.stderr = open(2, "w", buffering=1, closefd=False, errors="backslashreplace")
        sys.stdout.reconfigure(line_buffering=False)
        sys.argv = ["train.py"]
        code = 0
        try:
            fn(case)
        except SystemExit as e:
            code = e.code if isinstance(e.code, int) else int(e.code is not None)
        except BaseException:
            traceback.print_exc()
            code = 1
        try:
            atexit._run_exitfuncs()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    rc = _wait(pid, cwd, kill, sig, timeout)
    print(f"  {case}: rc {rc}", file=sys.stderr)
    return rc


def spawn(argv, cwd, kill=None, env=None, log="stdout.log", sig=signal.SIGKILL, timeout=400, cmd=None):
    """The same for a program started anew: the make script with argv, or cmd."""
    cmd = cmd or [sys.executable, os.path.abspath(sys.argv[0]), *map(str, argv)]
    with open(pathlib.Path(cwd) / log, "ab") as f:
        p = subprocess.Popen(cmd, cwd=cwd, stdout=f, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                             env={**os.environ, **(env or {})}, start_new_session=True)
    rc = _wait(p.pid, cwd, kill, sig, timeout)
    print(f"  {' '.join(cmd[1:])}: rc {rc}", file=sys.stderr)
    return rc


def _wait(pid, cwd, kill, sig, timeout):
    end = time.time() + timeout
    while True:
        got, status = os.waitpid(pid, os.WNOHANG)
        if got:
            break
        if time.time() > end or (kill and kill(pathlib.Path(cwd))):
            os.killpg(pid, sig)
            _, status = os.waitpid(pid, 0)
            break
        time.sleep(0.005)
    return os.waitstatus_to_exitcode(status)
