package diagnose

import (
	"strings"
	"testing"

	"runsheet"
)

// TestWhere: the line of an exception is known where it is of the program, and where a second one at the same line says that
// a third would be there as well. What machines, networks and file systems cause has none.
func TestWhere(t *testing.T) {
	const trace = "Traceback (most recent call last):\n  File \"/home/u/train.py\", line 88, in main\n    step()\n" +
		"  File \"/opt/env/lib/python3.12/site-packages/torch/nn/modules/module.py\", line 1553, in _call_impl\n    return forward_call(*args)\n"
	for _, line := range []string{
		"KeyError: 'sgd'", "ValueError: loss is nan", "RuntimeError: The size of tensor a (3) must match the size of tensor b (4)", "AssertionError",
		"IndexError: index 500 is out of bounds for axis 0 with size 404", "mypkg.errors.ConfigError: no model called 'cnn'", "StopIteration",
		"FileExistsError: [Errno 17] File exists: 'runs/a/model'", "IsADirectoryError: [Errno 21] Is a directory: 'runs/a'",
		"RuntimeError: CUDA error: device-side assert triggered",
		"RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!",
	} {
		if c := Why(exit(1), []byte(trace+line+"\n")); c.Where != "train.py:88" {
			t.Errorf("%s: %+v", line, c)
		}
	}
	for _, line := range []string{
		"ConnectionError: x", "ConnectionResetError: [Errno 104] Connection reset by peer", "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='x', port=443)",
		"requests.exceptions.ReadTimeout: x", "TimeoutError", "socket.timeout: timed out", "socket.gaierror: [Errno -3] Temporary failure in name resolution",
		"urllib.error.HTTPError: HTTP Error 503: Service Unavailable", "huggingface_hub.errors.LocalEntryNotFoundError: An error happened",
		"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", "RuntimeError: CUDA error: an illegal memory access was encountered",
		"RuntimeError: cuDNN error: CUDNN_STATUS_EXECUTION_FAILED", "RuntimeError: No CUDA GPUs are available", "RuntimeError: NCCL communicator was aborted on rank 1",
		"torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:2006", "torch.distributed.DistNetworkError: The client socket has failed to connect",
		"OSError: [Errno 28] No space left on device: 'ckpt.pt'", "OSError: [Errno 116] Stale file handle", "OSError: [Errno 5] Input/output error",
		"OSError: [Errno 24] Too many open files", "PermissionError: [Errno 13] Permission denied: '/data'", "BlockingIOError: [Errno 11] Resource temporarily unavailable",
		"EOFError: Ran out of input", "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)", "zipfile.BadZipFile: File is not a zip file",
		"RuntimeError: PytorchStreamReader failed reading zip archive: failed finding central directory", "sqlite3.OperationalError: database is locked",
		"RuntimeError: DataLoader worker (pid 77) is killed by signal: Bus error.", "RuntimeError: can't start new thread", "MemoryError",
		"wandb.errors.errors.CommError: failed to upload", "subprocess.CalledProcessError: Command 'git' returned non-zero exit status 128.",
	} {
		if c := Why(exit(1), []byte(trace+line+"\n")); c.Where != "" {
			t.Errorf("%s: it may pass, and is at %q", line, c.Where)
		}
		// Nor has what it led to.
		after := trace + line + "\n\nDuring handling of the above exception, another exception occurred:\n\n" + trace + "ValueError: no data\n"
		if c := Why(exit(1), []byte(after)); c.Where != "" {
			t.Errorf("%s: what it led to is at %q", line, c.Where)
		}
	}
	for _, c := range []struct {
		name, tail, where string
	}{
		{"libraries only", strings.ReplaceAll(trace, "/home/u/train.py", "<frozen runpy>") + "KeyError: 'a'\n", "module.py:1553"},
		{"rich", "╭──── Traceback (most recent call last) ────╮\n│ /x/train.py:12 in <module> │\n│ ❱ 12 main() │\n╰────╯\nKeyError: 'a'\n", "train.py:12"},
		{"rust", "thread 'main' panicked at src/main.rs:2:5:\nindex out of bounds\n", "main.rs:2"},
		{"old rust", "thread 'main' panicked at 'no model', src/main.rs:2:5\n", "main.rs:2"},
		{"go", "panic: no model\n\ngoroutine 1 [running]:\npanic(...)\n\t/usr/go/src/runtime/panic.go:7 +0x1d\nmain.main()\n\t/x/main.go:8 +0x1d\nexit status 2\n", "main.go:8"},
		{"no traceback", "ValueError: bad\n", ""},
	} {
		if got := Why(exit(1), []byte(c.tail)); got.Where != c.where {
			t.Errorf("%s: %+v, want it at %q", c.name, got, c.where)
		}
	}
	if c := Why(killed("SIGABRT"), []byte(trace+"ValueError: x\n")); c.Kind != runsheet.CauseTraceback || c.Where != "" {
		t.Errorf("ended by a signal: %+v", c)
	}
}
