"""Keras 3 (TensorFlow backend): the progress bar in a log, CSVLogger, BackupAndRestore, TensorBoard. Run as a script
without arguments it makes every case."""

import sys

sys.dont_write_bytecode = True


def train(case):
    import os
    import time

    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3" if case != "tf_noise" else "0"
    import keras
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    class Slow(keras.callbacks.Callback):  # so that it can be watched
        def on_train_batch_end(self, batch, logs=None):
            time.sleep(0.03)

    class NaN(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["extra"] = [1.0, float("nan")]
            logs["loss"] = float("nan")

    keras.utils.set_random_seed(0)
    x, y = load_digits(return_X_y=True)
    x, vx, y, vy = train_test_split(x[:600] / 16, y[:600], random_state=0)
    model = keras.Sequential([keras.layers.Input((64,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    common = dict(batch_size=50, validation_data=(vx, vy))
    csv = keras.callbacks.CSVLogger("training.csv")
    if case == "plain":  # verbose="auto", which is 1
        model.fit(x, y, epochs=6, callbacks=[csv, Slow()], **common)
        model.save("model.keras")
    elif case == "verbose2":
        model.fit(x, y, epochs=8, verbose=2, callbacks=[csv], **common)
    elif case == "verbose0":
        model.fit(x, y, epochs=5, verbose=0, callbacks=[csv], **common)
    elif case == "one_epoch":
        model.fit(x, y, epochs=1, **common)
    elif case == "no_validation":
        model.fit(x, y, epochs=3, batch_size=50, callbacks=[keras.callbacks.CSVLogger("log.tsv", separator="\t")])
    elif case == "unknown_steps":  # a generator without a length: the first epoch has no total
        def batches():
            for i in range(0, len(x), 50):
                yield x[i : i + 50], y[i : i + 50]

        import tensorflow as tf

        shapes = (tf.TensorSpec((None, 64)), tf.TensorSpec((None,), tf.int64))
        model.fit(tf.data.Dataset.from_generator(batches, output_signature=shapes), epochs=3)
    elif case == "early":
        stop = keras.callbacks.EarlyStopping(patience=2, min_delta=0.05, verbose=1, restore_best_weights=True)
        model.fit(x, y, epochs=100, verbose=2, callbacks=[csv, stop], **common)
    elif case == "early_silent":
        stop = keras.callbacks.EarlyStopping(monitor="val_accuracy", patience=2, min_delta=0.01)
        model.fit(x, y, epochs=100, callbacks=[csv, stop], **common)
    elif case == "backup":  # a second process goes on where the backup is
        backup = keras.callbacks.BackupAndRestore("backup", delete_checkpoint=True)
        again = keras.callbacks.CSVLogger("training.csv", append=True)
        model.fit(x, y, epochs=8, verbose=2, callbacks=[again, backup, Slow()], **common)
    elif case == "backup_steps":
        backup = keras.callbacks.BackupAndRestore("backup", save_freq=4, delete_checkpoint=False)
        again = keras.callbacks.CSVLogger("training.csv", append=True)
        model.fit(x, y, epochs=8, callbacks=[again, backup, Slow()], **common)
    elif case == "append":  # two calls of fit, the second one from epoch 0 again, the third with initial_epoch
        for first, last in ((0, 3), (0, 2), (2, 5)):
            again = keras.callbacks.CSVLogger("training.csv", append=True)
            model.fit(x, y, initial_epoch=first, epochs=last, verbose=2, callbacks=[again], **common)
    elif case == "val_freq":  # validation every second epoch
        model.fit(x, y, epochs=6, verbose=2, validation_freq=2, callbacks=[csv], **common)
    elif case == "nan":
        model.fit(x, y, epochs=3, verbose=2, callbacks=[NaN(), csv], **common)
    elif case == "terminate_on_nan":
        x[3] = float("nan")
        model.fit(x, y, epochs=9, verbose=2, callbacks=[keras.callbacks.TerminateOnNaN(), csv], **common)
    elif case == "tensorboard":
        board = keras.callbacks.TensorBoard("logs", write_graph=False)
        model.fit(x, y, epochs=6, verbose=2, callbacks=[board, Slow()], **common)
    elif case == "tensorboard_batches":
        board = keras.callbacks.TensorBoard("logs", write_graph=False, update_freq=3)
        model.fit(x, y, epochs=2, verbose=2, callbacks=[board], **common)
    elif case == "checkpoints":
        save = keras.callbacks.ModelCheckpoint("ckpt/{epoch:02d}-{val_loss:.2f}.keras", verbose=1)
        lr = keras.callbacks.ReduceLROnPlateau(patience=0, min_delta=10, verbose=1)
        model.fit(x, y, epochs=4, callbacks=[save, lr, csv], **common)
    elif case == "evaluate":  # bars that are not training
        model.fit(x, y, epochs=2, callbacks=[Slow()], **common)
        model.evaluate(vx, vy)
        model.predict(vx)
    elif case == "tf_noise":  # what TensorFlow prints before
        model.fit(x, y, epochs=2, verbose=2, **common)
    elif case == "not_interactive":
        keras.utils.disable_interactive_logging()
        model.fit(x, y, epochs=3, **common)
    elif case == "tf_summary":
        import tensorflow as tf

        writer = tf.summary.create_file_writer("runs/exp")
        with writer.as_default():
            for step in range(0, 50, 10):
                tf.summary.scalar("train/loss", 1 / (step + 1), step=step)
                tf.summary.scalar("double", tf.constant(step, tf.float64), step=step)
            tf.summary.text("note", "hello", step=0)
            tf.summary.histogram("weights", [1.0, 2.0, 3.0], step=40)
            tf.summary.scalar("nan", float("nan"), step=40)


def make():
    from common import Training, in_file, in_log

    go = lambda *args, **kw: Training(__file__, *args, **kw)
    t = go("plain").until(in_log(r"^Epoch 1/6\s")).keep("keras", "start")
    t.go_on().until(in_log(r"^Epoch 4/6\s[\s\S]*m[3-8]/9")).keep("keras", "middle")
    t.go_on().end().keep("keras", "end")
    t = go("plain", buffered=True).until(in_log(r"^Epoch 2/6\s")).keep("keras", "buffered").kill()  # without PYTHONUNBUFFERED
    t = go("tensorboard").until(in_log(r"^Epoch 4/6\s")).keep("keras", "tensorboard_middle")
    t.go_on().end().keep("keras", "tensorboard")
    t = go("backup").until(in_log(r"^Epoch 5/8\s")).kill().keep("keras", "killed")
    again = in_log(r"^Epoch 6/8\s")
    t = go("backup", work=t.root).until(again).keep("keras", "resumed_middle")
    t.go_on().end().keep("keras", "resumed")
    t = go("backup_steps").until(in_log(r"^Epoch 4/8\s")).kill().keep("keras", "steps_killed")
    go("backup_steps", work=t.root).end().keep("keras", "steps_resumed")
    for case in ("verbose2", "verbose0", "one_epoch", "no_validation", "unknown_steps", "early", "early_silent", "append",
                 "val_freq", "nan", "terminate_on_nan", "tensorboard_batches", "checkpoints", "evaluate", "tf_noise",
                 "not_interactive"):
        go(case).end().keep("keras", case)
    go("tf_summary").end().keep("tensorboard", "tf_summary")


if __name__ == "__main__":
    train(sys.argv[1]) if len(sys.argv) > 1 else make()
