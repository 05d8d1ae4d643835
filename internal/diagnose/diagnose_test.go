package diagnose

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"runsheet"
	"runsheet/internal/prove/hostile/bound"
)

func exit(code int) Ended { return Ended{Kind: runsheet.EndExit, ExitCode: &code} }

func killed(sig string) Ended { return Ended{Kind: runsheet.EndSignal, Signal: sig} }

const torchOOM = `epoch 3 loss 0.41
Traceback (most recent call last):
  File "/home/u/train.py", line 120, in <module>
    main()
  File "/home/u/train.py", line 88, in main
    loss.backward()
    ^^^^^^^^^^^^^^^
`

func TestWhy(t *testing.T) {
	incomplete := exit(0)
	incomplete.Incomplete = "19 of 20 epochs"
	oom := exit(1)
	oom.OOM = true
	for _, tt := range []struct {
		name string
		e    Ended
		tail string
		kind runsheet.CauseKind
		text string // exact, unless it ends with "..."
	}{
		// Memory.
		{"torch", exit(1), torchOOM + "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.69 GiB\n",
			runsheet.CauseCUDAOutOfMemory, "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.69 GiB"},
		{"torch 1", exit(1), torchOOM + "RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 7.79 GiB total capacity)\n", runsheet.CauseCUDAOutOfMemory, "RuntimeError: CUDA out of memory..."},
		{"torch async", exit(1), torchOOM + "RuntimeError: CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported at some other API call.\nFor debugging consider passing CUDA_LAUNCH_BLOCKING=1\n", runsheet.CauseCUDAOutOfMemory, "RuntimeError: CUDA error: out of memory"},
		{"cublas", exit(1), torchOOM + "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`\n", runsheet.CauseCUDAOutOfMemory, "RuntimeError: CUDA error: CUBLAS..."},
		{"tensorflow", exit(1), "Traceback (most recent call last):\n  File \"t.py\", line 1, in <module>\ntensorflow.python.framework.errors_impl.ResourceExhaustedError: {{function_node __wrapped__Add}} OOM when allocating tensor with shape[1024,1024] and type float on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc [Op:Add]\n",
			runsheet.CauseCUDAOutOfMemory, "tensorflow.python.framework.errors_impl.ResourceExhaustedError: ..."},
		{"tensorflow on the CPU", exit(1), "Traceback (most recent call last):\n  File \"t.py\", line 1, in <module>\ntensorflow.python.framework.errors_impl.ResourceExhaustedError: OOM when allocating tensor with shape[9] on /job:localhost/replica:0/task:0/device:CPU:0 by allocator cpu\n",
			runsheet.CauseOutOfMemory, "tensorflow..."},
		{"jax", exit(1), "Traceback (most recent call last):\n  File \"t.py\", line 1, in <module>\njaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 17179869184 bytes.\n--------------------\nFor simplicity, JAX has removed its internal frames from the traceback of the following exception. Set JAX_TRACEBACK_FILTERING=off to include these.\n",
			runsheet.CauseCUDAOutOfMemory, "jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED..."},
		{"numpy", exit(1), "Traceback (most recent call last):\n  File \"t.py\", line 1, in <module>\nnumpy.core._exceptions._ArrayMemoryError: Unable to allocate 74.5 GiB for an array with shape (100000, 100000) and data type float64\n", runsheet.CauseOutOfMemory, "numpy.core..."},
		{"MemoryError", exit(1), "Traceback (most recent call last):\n  File \"t.py\", line 1, in <module>\nMemoryError\n", runsheet.CauseOutOfMemory, "MemoryError"},
		{"bad_alloc", killed("SIGABRT"), "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n", runsheet.CauseOutOfMemory, "std::bad_alloc"},
		{"torch CPU", exit(1), torchOOM + "RuntimeError: [enforce fail at alloc_cpu.cpp:114] data. DefaultCPUAllocator: can't allocate memory: you tried to allocate 400000000000 bytes. Error code 12 (Cannot allocate memory)\n", runsheet.CauseOutOfMemory, "RuntimeError: [enforce fail..."},
		{"the kernel's word", oom, torchOOM + "RuntimeError: DataLoader worker (pid 77) is killed by signal: Killed.\n", runsheet.CauseOOMKilled, "killed by the kernel: out of memory"},
		{"137 and Killed", exit(137), "epoch 1\nbash: line 1:  4711 Killed                  python train.py\n", runsheet.CauseOOMKilled, "killed by SIGKILL, most likely by the kernel: out of memory"},
		{"137 and nothing", exit(137), "epoch 1\n", runsheet.CauseSignal, "ended by SIGKILL (killed)"},
		{"SIGKILL by somebody", killed("SIGKILL"), "epoch 1\n", runsheet.CauseSignal, "ended by SIGKILL (killed)"},
		{"slurm oom", exit(1), "slurmstepd: error: Detected 1 oom_kill event in StepId=1234.0. Some of the step tasks have been OOM Killed.\nsrun: error: n1: task 0: Out Of Memory\n", runsheet.CauseOOMKilled, "slurmstepd: error: Detected 1 oom_kill event..."},
		// NaN.
		{"torchvision", exit(1), "Epoch: [0]  [10/500] loss: 5.3\nLoss is nan, stopping training\n{'classifier': tensor(nan)}\n", runsheet.CauseNaN, "Loss is nan, stopping training"},
		{"detectron", exit(1), "Traceback (most recent call last):\n  File \"t.py\", line 1, in f\nFloatingPointError: Loss became infinite or NaN at iteration=8!\n", runsheet.CauseNaN, "FloatingPointError: Loss became..."},
		{"fairseq", exit(1), "Traceback (most recent call last):\n  File \"t.py\", line 1, in f\nFloatingPointError: Minimum loss scale reached (0.0001). Your loss is probably exploding.\n", runsheet.CauseNaN, "FloatingPointError: Minimum..."},
		{"bare assertion", exit(1), "Traceback (most recent call last):\n  File \"t.py\", line 7, in <module>\n    assert torch.isfinite(loss)\n           ^^^^^^^^^^^^^^^^^^^^\nAssertionError\n", runsheet.CauseNaN, "AssertionError: assert torch.isfinite(loss)"},
		{"the last loss", exit(3), "epoch 1 loss: 0.4\nepoch 2 loss: nan\n", runsheet.CauseNaN, "epoch 2 loss: nan"},
		{"nan is only a word", exit(3), "loading banana, nano and nan_policy=omit\nepoch 2 loss: 0.3 (nano model)\n", runsheet.CauseExit, "exit code 3: epoch 2 loss: 0.3 (nano model)"},
		{"another number is nan", exit(3), "epoch 2 val_loss: 0.3, map: nan\n", runsheet.CauseExit, "exit code 3: epoch 2 val_loss: 0.3, map: nan"},
		{"nan in data", exit(1), "Traceback (most recent call last):\n  File \"t.py\", line 7, in <module>\nValueError: Input X contains NaN.\n", runsheet.CauseTraceback, "ValueError: Input X contains NaN."},
		// Disk.
		{"ENOSPC", exit(1), "Traceback (most recent call last):\n  File \"t.py\", line 7, in <module>\nOSError: [Errno 28] No space left on device: 'ckpt.pt'\n", runsheet.CauseNoSpace, "OSError: [Errno 28] No space left on device: 'ckpt.pt'"},
		{"quota", exit(1), "cp: error writing 'x': Disk quota exceeded\n", runsheet.CauseNoSpace, "cp: error writing 'x': Disk quota exceeded"},
		// What is there again a minute later.
		{"module", exit(1), "Traceback (most recent call last):\n  File \"t.py\", line 1, in <module>\n    import torch\nModuleNotFoundError: No module named 'torch'\n", runsheet.CauseImport, "ModuleNotFoundError: No module named 'torch'"},
		{"shared object", exit(1), "Traceback (most recent call last):\n  File \"t.py\", line 1, in <module>\nImportError: libcudart.so.11.0: cannot open shared object file: No such file or directory\n", runsheet.CauseImport, "ImportError: libcudart..."},
		{"loader", exit(127), "./train: error while loading shared libraries: libfoo.so: cannot open shared object file: No such file or directory\n", runsheet.CauseImport, "./train: error while..."},
		{"file", exit(1), "Traceback (most recent call last):\n  File \"t.py\", line 1, in <module>\nFileNotFoundError: [Errno 2] No such file or directory: 'data/x.csv'\n", runsheet.CauseMissingFile, "FileNotFoundError: [Errno 2] No such file or directory: 'data/x.csv'"},
		{"script", exit(2), "python3: can't open file '/x/train.py': [Errno 2] No such file or directory\n", runsheet.CauseMissingFile, "python3: can't open file '/x/train.py': [Errno 2] No such file or directory"},
		{"command", exit(127), "bash: line 1: pyhton: command not found\n", runsheet.CauseCommand, "bash: line 1: pyhton: command not found"},
		{"command of sh", exit(127), "sh: 1: pyhton: not found\n", runsheet.CauseCommand, "sh: 1: pyhton: not found"},
		{"command after a caught traceback", exit(127), "Traceback (most recent call last):\n  File \"t.py\", line 1, in <module>\nValueError: x\nbash: line 2: evaluate: command not found\n", runsheet.CauseCommand, "bash: line 2: evaluate: command not found"},
		{"not executable", exit(126), "bash: line 1: ./train.sh: Permission denied\n", runsheet.CauseCommand, "bash: line 1: ./train.sh: Permission denied"},
		{"python syntax", exit(1), "  File \"train.py\", line 3\n    x = = 1\n        ^\nSyntaxError: invalid syntax\n", runsheet.CauseSyntax, "SyntaxError: invalid syntax"},
		{"bash syntax", exit(2), "bash: -c: line 1: syntax error near unexpected token `('\nbash: -c: line 1: `python t.py (1)'\n", runsheet.CauseSyntax, "bash: -c: line 1: syntax error near unexpected token `('"},
		{"argparse", exit(2), "usage: train.py [-h] [--lr LR]\ntrain.py: error: unrecognized arguments: --foo 3\n", runsheet.CauseUsage, "train.py: error: unrecognized arguments: --foo 3"},
		{"click", exit(2), "Usage: train.py [OPTIONS]\nTry 'train.py --help' for help.\n\nError: No such option: --foo\n", runsheet.CauseUsage, "Error: No such option: --foo"},
		{"go flag", exit(2), "flag provided but not defined: -foo\nUsage of ./train:\n  -lr float\n    \tlearning rate\n", runsheet.CauseUsage, "flag provided but not defined: -foo"},
		// Batch systems.
		{"time limit", killed("SIGTERM"), "epoch 9\nslurmstepd: error: *** JOB 123 ON n1 CANCELLED AT 2024-05-01T10:00:00 DUE TO TIME LIMIT ***\n", runsheet.CauseTimeLimit, "slurmstepd: error: *** JOB 123 ON n1 CANCELLED AT 2024-05-01T10:00:00 DUE TO TIME LIMIT"},
		{"preempted", exit(143), "slurmstepd: error: *** STEP 123.0 ON n1 CANCELLED AT 2024-05-01T10:00:00 DUE TO PREEMPTION ***\n", runsheet.CausePreempted, "slurmstepd: error: *** STEP 123.0 ON n1..."},
		// Signals.
		{"segfault", exit(139), "epoch 1\nbash: line 1:  4711 Segmentation fault      (core dumped) python train.py\n", runsheet.CauseSignal, "ended by SIGSEGV (segmentation fault)"},
		{"sigterm", killed("SIGTERM"), "Traceback (most recent call last):\n  File \"t.py\", line 1, in <module>\nValueError: an old one\n", runsheet.CauseSignal, "ended by SIGTERM (terminated)"},
		{"interrupt", exit(1), "Traceback (most recent call last):\n  File \"t.py\", line 1, in <module>\nKeyboardInterrupt\n", runsheet.CauseSignal, "interrupted (SIGINT)"},
		{"unknown signal", killed("SIGRTMIN+3"), "", runsheet.CauseSignal, "ended by SIGRTMIN+3"},
		// Tracebacks.
		{"traceback", exit(1), torchOOM + "ValueError: Expected input batch_size (32) to match target batch_size (16).\n", runsheet.CauseTraceback, "ValueError: Expected input batch_size (32) to match target batch_size (16)."},
		{"no message", exit(1), torchOOM + "StopIteration\n", runsheet.CauseTraceback, "StopIteration"},
		{"qualified", exit(1), torchOOM + "botocore.exceptions.NoCredentialsError: Unable to locate credentials\n", runsheet.CauseTraceback, "botocore.exceptions.NoCredentialsError: Unable to locate credentials"},
		{"message on the next line", exit(1), torchOOM + "RuntimeError: \nsize mismatch, m1: [4 x 5], m2: [6 x 7]\n", runsheet.CauseTraceback, "RuntimeError: size mismatch, m1: [4 x 5], m2: [6 x 7]"},
		{"handling another", exit(1), "Traceback (most recent call last):\n  File \"t.py\", line 1, in load\nFileNotFoundError: [Errno 2] No such file or directory: 'cache'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"t.py\", line 3, in <module>\nKeyError: 'lr'\n", runsheet.CauseTraceback, "KeyError: 'lr'"},
		{"direct cause", exit(1), torchOOM + "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1 GiB\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"t.py\", line 3, in <module>\nTrainingFailed: at epoch 3\n", runsheet.CauseCUDAOutOfMemory, "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1 GiB"},
		{"an early one was caught", exit(4), "Traceback (most recent call last):\n  File \"t.py\", line 3, in <module>\nOSError: [Errno 28] No space left on device\n" + strings.Repeat("epoch done\n", 200) + "giving up\n", runsheet.CauseExit, "exit code 4: giving up"},
		{"an early warning", exit(1), "data/cache.bin: No such file or directory, building it\n" + strings.Repeat("step\n", 30) + "bad config\n", runsheet.CauseExit, "exit code 1: bad config"},
		{"a warning at the end", exit(1), "WARNING: data/cache.bin: No such file or directory\nbad config\n", runsheet.CauseExit, "exit code 1: bad config"},
		{"torchrun", exit(1), "[rank0]: " + strings.ReplaceAll(strings.TrimSuffix(torchOOM, "\n"), "\n", "\n[rank0]: ") + "\n[rank0]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1 GiB\nE0501 10:00:00.000 12 torch/distributed/elastic/multiprocessing/api.py:826] failed (exitcode: 1) local_rank: 0\nTraceback (most recent call last):\n  File \"/bin/torchrun\", line 8, in <module>\ntorch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n============\ntrain.py FAILED\n------------\nFailures:\n  <NO_OTHER_FAILURES>\n------------\nRoot Cause (first observed failure):\n[0]:\n  exitcode  : 1 (pid: 12)\n============\n",
			runsheet.CauseCUDAOutOfMemory, "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1 GiB"},
		{"data loader", exit(1), torchOOM + "FileNotFoundError: Caught FileNotFoundError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n  File \"w.py\", line 1, in loop\nFileNotFoundError: [Errno 2] No such file or directory: 'img/7.png'\n", runsheet.CauseMissingFile, "FileNotFoundError: [Errno 2] No such file or directory: 'img/7.png'"},
		{"bar before it", exit(1), "\r 10%|█         | 1/10 [00:00<00:01,  8.1it/s]\r 20%|██        | 2/10 [00:00<00:01,  8.1it/s]" + torchOOM[len("epoch 3 loss 0.41\n"):] + "KeyError: 'a'\n", runsheet.CauseTraceback, "KeyError: 'a'"},
		{"bar after it", exit(1), torchOOM + "KeyError: 'a'\n\r 20%|██        | 2/10 [00:00<00:01,  8.1it/s]", runsheet.CauseTraceback, "KeyError: 'a'"},
		{"only bars", exit(5), "\r 10%|█         | 1/10 [00:00<00:01,  8.1it/s]\r 20%|██        | 2/10 [00:00<00:01,  8.1it/s]", runsheet.CauseExit, "exit code 5: 20%|██ | 2/10 [00:00<00:01, 8.1it/s]"},
		{"colours", exit(1), "\x1b[31mTraceback (most recent call last):\x1b[0m\r\n  File \x1b[35m\"t.py\"\x1b[0m, line \x1b[35m1\x1b[0m\r\n\x1b[1;35mKeyError\x1b[0m: \x1b[35m'a'\x1b[0m\r\n", runsheet.CauseTraceback, "KeyError: 'a'"},
		{"rich", exit(1), "╭───── Traceback (most recent call last) ─────╮\n│ /x/train.py:12 in <module>                  │\n│ ❱ 12 main()                                 │\n╰─────────────────────────────────────────────╯\nKeyError: 'a'\n", runsheet.CauseTraceback, "KeyError: 'a'"},
		{"no UTF-8", exit(1), "\xff\xfe\x80 tail\nTraceback (most recent call last):\n  File \"t.py\", line 1\nValueError: caf\xe9\n", runsheet.CauseTraceback, "ValueError: caf\uFFFD"},
		{"go", exit(2), "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 1 [running]:\nmain.main()\n\t/x/main.go:8 +0x1d\nexit status 2\n", runsheet.CauseTraceback, "panic: runtime error: index out of range [5] with length 3"},
		{"go memory", exit(2), "fatal error: runtime: out of memory\n\ngoroutine 1 [running]:\n", runsheet.CauseOutOfMemory, "fatal error: runtime: out of memory"},
		{"rust", exit(101), "thread 'main' panicked at src/main.rs:2:5:\nindex out of bounds: the len is 3 but the index is 5\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n", runsheet.CauseTraceback, "panicked: index out of bounds: the len is 3 but the index is 5"},
		{"old rust", exit(101), "thread 'main' panicked at 'no model', src/main.rs:2:5\n", runsheet.CauseTraceback, "panicked: no model"},
		{"R", exit(1), "Error in read.csv(\"x\") : invalid argument\nCalls: main -> read.csv\nExecution halted\n", runsheet.CauseTraceback, "Error in read.csv(\"x\") : invalid argument"},
		{"java", exit(1), "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space\n\tat Main.main(Main.java:5)\n", runsheet.CauseOutOfMemory, "java.lang.OutOfMemoryError: Java heap space"},
		// The rest.
		{"exit code", exit(3), "epoch 1\n\nno luck\n\n", runsheet.CauseExit, "exit code 3: no luck"},
		{"no log", exit(3), "", runsheet.CauseExit, "exit code 3, and the log is empty"},
		{"nothing known", Ended{}, "hm\n", runsheet.CauseExit, "nobody knows how it ended: hm"},
		{"incomplete", incomplete, "epoch 18\ndone\n", runsheet.CauseIncomplete, "exited 0 at 19 of 20 epochs"},
		{"behind tee", incomplete, torchOOM + "ModuleNotFoundError: No module named 'x'\n", runsheet.CauseImport, "exited 0 at 19 of 20 epochs: ModuleNotFoundError: No module named 'x'"},
		{"incomplete after a caught one", incomplete, torchOOM + "KeyError: 'x'\nretry\nok\ndone\n", runsheet.CauseIncomplete, "exited 0 at 19 of 20 epochs"},
		{"keras", incomplete, "Batch 5: Invalid loss, terminating training\n", runsheet.CauseNaN, "exited 0 at 19 of 20 epochs: Batch 5: Invalid loss, terminating training"},
		{"well", exit(0), torchOOM + "KeyError: 'x'\n", "", ""},
		{"stopped", Ended{Kind: runsheet.EndStopped, Signal: "SIGTERM"}, torchOOM + "KeyboardInterrupt\n", "", ""},
		{"void", Ended{Kind: runsheet.EndVoid}, "", "", ""},
		{"stuck", Ended{Kind: runsheet.EndStuck, Signal: "SIGKILL", Incomplete: "3 of 20 epochs"}, "", runsheet.CauseStuck, "ended for want of progress at 3 of 20 epochs"},
		{"lost", Ended{Kind: runsheet.EndLost}, "", runsheet.CauseLost, "its supervisor was gone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Why(tt.e, []byte(tt.tail))
			want, prefix := strings.CutSuffix(tt.text, "...")
			if got.Kind != tt.kind || got.Text != tt.text && !(prefix && strings.HasPrefix(got.Text, want)) {
				t.Errorf("got  %s: %s\nwant %s: %s", got.Kind, got.Text, tt.kind, tt.text)
			}
			check(t, got)
		})
	}
}

// check holds what is true of every cause.
func check(t *testing.T, c runsheet.Cause) {
	t.Helper()
	if utf8.RuneCountInString(c.Text) > textLimit || !utf8.ValidString(c.Text) || strings.ContainsFunc(c.Text, unicode.IsControl) {
		t.Errorf("text not fit for a line: %q", c.Text)
	}
	if (c.Kind == "") != (c.Text == "") {
		t.Errorf("kind %q with text %q", c.Kind, c.Text)
	}
}

func TestLongText(t *testing.T) {
	for _, n := range []int{textLimit - 20, textLimit, textLimit + 1, 5 * lineLimit} {
		c := Why(exit(1), []byte("Traceback (most recent call last):\n  File \"t.py\", line 1\nE: "+strings.Repeat("ü", n)+"\n"))
		check(t, c)
		if want := min(n+3, textLimit); utf8.RuneCountInString(c.Text) != want {
			t.Errorf("%d runes of %d, want %d", utf8.RuneCountInString(c.Text), n, want)
		}
	}
}

// A record may hold anything, also as the name of a signal.
func TestLongSignal(t *testing.T) {
	check(t, Why(killed(strings.Repeat("0", 5*lineLimit)), nil))
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "",
		"plain":                             "plain",
		"  a\t b\r\nc  ":                    "a b c",
		"\x1b[1;31mred\x1b[0m":              "red",
		"\x1b]0;title\x07x\x1b]8;;u\x1b\\y": "xy",
		"\x1b]0;no end":                     "]0;no end",
		"\x1b(Bx\x1b7\x1b=":                 "x",
		"\u009b31mx\x00\x07\x7f\u0085y":     "x y",
		"a\u202eb\u2066c\u200fd\ufeff":      "abcd",
		"\xff\xc3":                          "\uFFFD",
		"a\u2028b":                          "a b",
		"Grüße 測試 👩‍🔬":                      "Grüße 測試 👩‍🔬",
		"\x1b":                              "",
		"\x1b\x1b[31m[2Jx":                  "[2Jx",
	} {
		if got := Clean(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzWhy(f *testing.F) {
	f.Add([]byte(torchOOM+"RuntimeError: \nx"), 1, "")
	f.Add([]byte("\x1b[31mpanic: x\n\ngoroutine 1"), 2, "SIGABRT")
	f.Add([]byte("terminate called after throwing an instance of 'x'\n  what():"), 134, "")
	f.Add([]byte("thread 'm' panicked at a:1:1:"), 0, "")
	f.Add([]byte("Traceback (most recent call last)\r 1%|x|"), 127, "")
	f.Add([]byte("The above exception was the direct cause of\nTraceback (most recent call last)\nRuntimeError:"), 1, "")
	f.Fuzz(func(t *testing.T, tail []byte, code int, sig string) {
		e := exit(code)
		e.Signal, e.Incomplete = sig, "1 of 2"
		var why runsheet.Cause
		bound.Do(t, func() { why = Why(e, tail) })
		check(t, why)
		once := Clean(string(tail))
		if strings.ContainsFunc(once, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) || !utf8.ValidString(once) {
			t.Errorf("not clean: %q", once)
		}
	})
}

func TestJobMemory(t *testing.T) {
	const over = "slurmstepd-node1: error: StepId=2.batch exceeded memory limit (133537792 > 104857600), being killed\n"
	const cancelled = "slurmstepd-node1: error: *** JOB 2 ON node1 CANCELLED AT 2026-11-30T21:10:29 ***\n"
	const requeued = "slurmstepd: error: *** JOB 2 ON node1 CANCELLED AT 2026-11-30T21:10:29 DUE TO JOB REQUEUE ***\n"
	for output, want := range map[string]string{
		"": "",
		"slurmstepd: error: Exceeded job memory limit\n":      "Exceeded job memory limit",
		"StepId=2.batch exceeded memory limit in my dreams\n": "",
		cancelled:        "",
		over + cancelled: "StepId=2.batch exceeded memory limit (133537792 > 104857600), being killed",
		over + "slurmstepd-node1: error: Exceeded job memory limit\n" + cancelled:                                                                                    "StepId=2.batch exceeded memory limit (133537792 > 104857600), being killed",
		"slurmstepd: error: Detected 1 oom_kill event in StepId=7.batch. Some of the step tasks have been OOM Killed.\n":                                             "Detected 1 oom_kill event in StepId=7.batch. Some of the step tasks have been OOM Killed.",
		"slurmstepd: error: Detected 1 oom-kill event(s) in step 7.batch cgroup. Some of your processes may have been killed by the cgroup out-of-memory handler.\n": "Detected 1 oom-kill event(s) in step 7.batch cgroup. Some of your processes may have been killed by the cgroup out-of-memory handler.",
		over + requeued:             "",
		over + requeued + cancelled: "",
		requeued + over:             "StepId=2.batch exceeded memory limit (133537792 > 104857600), being killed",
	} {
		if got := JobMemory([]byte(output)); got != want {
			t.Errorf("%q: %q", output, got)
		}
	}
}
