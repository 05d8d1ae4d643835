"""TensorBoard event files by tensorboardX and by TensorBoard's own writer (tf.summary is in keras_cases.py). Run as a
script without arguments it makes every case."""

import sys

sys.dont_write_bytecode = True


def train(case, start=0, last=20):
    import os
    import time

    if case == "tensorboardx":  # closed at the end
        from tensorboardX import SummaryWriter

        writer = SummaryWriter("runs/exp")
        for step in range(int(start), int(last)):
            writer.add_scalar("train/loss", 1 / (step + 1), step)
            writer.add_scalars("accuracy", {"train": step / 20, "val": step / 25}, step)
            if step % 5 == 4:
                writer.add_scalar("epoch", step // 5 + 1, step)
                writer.add_text("note", "epoch done", step)
                writer.add_histogram("weights", [0.1, 0.2, 0.3], step)
            writer.flush()
            print("step", step)
            time.sleep(0.03)
        writer.add_hparams({"lr": 0.1}, {"hparam/accuracy": 0.8}, name="hparams")
        writer.close()
    elif case == "tensorboardx_no_flush":  # what a killed process had not written yet
        from tensorboardX import SummaryWriter

        writer = SummaryWriter("runs/exp", max_queue=10, flush_secs=120)
        for step in range(60):
            writer.add_scalar("train/loss", 1 / (step + 1), step)
            print("step", step)
            time.sleep(0.02)
        os.kill(os.getpid(), 9)
    elif case == "nan":
        from tensorboardX import SummaryWriter

        writer = SummaryWriter("runs/exp", filename_suffix=".mine")
        for step, value in enumerate([1.0, float("nan"), float("inf"), -float("inf")]):
            writer.add_scalar("loss", value, step)
        writer.add_scalar("no_step", 1.0)
        writer.add_scalar("negative", 2.0, -1)
        writer.close()
    elif case == "own_writer":  # the class that Lightning and others build on
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.scalar.summary_v2 import scalar_pb
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        writer = EventFileWriter("runs/exp")
        for step in range(6):
            value = Summary.Value(tag="train/loss", simple_value=1 / (step + 1))
            writer.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=[value])))
            summary = scalar_pb("train/new_style", 2 / (step + 1))
            event = Event(wall_time=time.time(), step=step)
            event.summary.ParseFromString(summary.SerializeToString())
            writer.add_event(event)
        writer.close()
    elif case == "tensorboard_summary":  # the writer of tensorboard.summary
        from tensorboard.summary import Writer
        from tensorboard.summary._output import DirectoryOutput

        writer = Writer(DirectoryOutput("runs/exp"))
        for step in range(6):
            writer.add_scalar("loss", 1 / (step + 1), step)
        writer.close()


def make():
    from common import Training, in_log

    go = lambda *args, **kw: Training(__file__, *args, **kw)
    t = go("tensorboardx").until(in_log("step 0$")).keep("tensorboardx", "start")
    t.go_on().until(in_log("step 11$")).keep("tensorboardx", "middle")
    t.go_on().end().keep("tensorboardx", "end")
    t = go("tensorboardx").until(in_log("step 13$")).kill()
    go("tensorboardx", 10, 20, work=t.root).end().keep("tensorboardx", "resumed")  # another file in the same directory
    go("tensorboardx_no_flush").end(-9).keep("tensorboardx", "killed")
    go("nan").end().keep("tensorboardx", "nan")
    for case in ("own_writer", "tensorboard_summary"):
        go(case).end().keep("tensorboard", case)


if __name__ == "__main__":
    train(*sys.argv[1:]) if len(sys.argv) > 1 else make()
