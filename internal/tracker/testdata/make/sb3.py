"""stable-baselines3: A2C on CartPole, with csv, json, log and stdout, Monitor, EvalCallback and CheckpointCallback."""
import os
import signal
import sys

import torchcase as tc

import gymnasium  # noqa: E402
from stable_baselines3 import A2C, PPO  # noqa: E402
from stable_baselines3.common.callbacks import (BaseCallback, CallbackList, CheckpointCallback, EvalCallback,  # noqa: E402
                                                StopTrainingOnNoModelImprovement)
from stable_baselines3.common.logger import configure  # noqa: E402
from stable_baselines3.common.monitor import Monitor  # noqa: E402

FW = "stable_baselines3"


def train(case):
    class Watch(BaseCallback):
        def _on_step(self):
            if case == "start" and self.num_timesteps == 30:
                os.kill(os.getpid(), signal.SIGKILL)
            if case in ("middle", "resumed") and self.num_timesteps == 450:
                os.kill(os.getpid(), signal.SIGKILL)
            if case == "crashed" and self.num_timesteps == 330:
                raise RuntimeError("CUDA error: device-side assert triggered (made up)")
            return True

    env = Monitor(gymnasium.make("CartPole-v1"), "logs/train")
    callbacks = [Watch(), CheckpointCallback(200, "logs")]
    if case in ("end", "early"):
        stop = StopTrainingOnNoModelImprovement(max_no_improvement_evals=2, min_evals=1, verbose=1) if case == "early" else None
        callbacks.append(EvalCallback(Monitor(gymnasium.make("CartPole-v1")), n_eval_episodes=2, eval_freq=100, log_path="logs",
                                      best_model_save_path="logs", callback_after_eval=stop))
    if case == "resumed+again":
        model = A2C.load("logs/rl_model_400_steps", env=env)
    elif case == "ppo":
        model = PPO("MlpPolicy", env, n_steps=128, batch_size=64, n_epochs=1, seed=1, verbose=1, policy_kwargs={"net_arch": [4]})
    else:
        model = A2C("MlpPolicy", env, n_steps=10, seed=1, verbose=1, learning_rate=0.0 if case == "early" else 7e-4,
                    policy_kwargs={"net_arch": [4]})
    if case != "default":
        model.set_logger(configure("logs", ["stdout", "csv", "json", "log"]))
    model.learn(600 if case != "early" else 5000, log_interval=1 if case == "ppo" else 10, callback=CallbackList(callbacks),
                reset_num_timesteps=case != "resumed+again", progress_bar=case == "bar")


def main():
    for case in ("start", "middle", "end", "early", "ppo", "default", "crashed", "bar"):
        if tc.wanted(case):
            d = tc.fresh(FW, case)
            tc.launch(train, case, d)
            tc.keep(d, FW, case)
    if tc.wanted("resumed"):
        d = tc.fresh(FW, "resumed")
        tc.launch(train, "resumed", d)
        tc.launch(train, "resumed+again", d)
        tc.keep(d, FW, "resumed")


main()
