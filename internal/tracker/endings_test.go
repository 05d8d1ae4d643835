package tracker

import "testing"

func TestEndings(t *testing.T) {
	tests := []struct {
		lines []string
		want  endings
	}{
		{nil, endings{}},
		{[]string{"0:\tlearn: 0.1\ttotal: 1ms", "Stopped by overfitting detector  (10 iterations wait)"}, endings{CatBoost: ending{Said: true, Early: true}}},
		{[]string{"Stopped by overfitting detector  (10 iterations wait)", "Training on fold [1/3]", "0:\tlearn: 0.1"}, endings{CatBoost: ending{Said: true}}},
		{[]string{"12:30:01 a clock", "Some text", "Epoch 3/10 done", "Epoch: 3/10"}, endings{}},
		{[]string{"Epoch 3/10", "Epoch 3: early stopping"}, endings{Keras: ending{Said: true, Early: true, Epochs: 10}}},
		{[]string{"Epoch 3: early stopping", "Epoch 1/5", "Epoch 7/5", "Epoch 3: loss"}, endings{Keras: ending{Said: true, Epochs: 5}}},
		{[]string{"|    total_timesteps    | 400      |", "Stopping training because there was no new best model in the last 3 evaluations"}, endings{SB3: ending{Said: true, Early: true}}},
		{[]string{"Stopping training with a total of 1000 steps because the PPO model reached max_episodes=10", "|    total_timesteps | 10 |"}, endings{SB3: ending{Said: true}}},
		{[]string{"Starting training for 4 epochs...", "1 epochs completed in 0.001 hours."}, endings{YOLO: ending{Said: true, Finished: true}}},
		{[]string{"3 epochs completed in 0.001 hours.", "Starting training for 4 epochs..."}, endings{YOLO: ending{Said: true}}},
		{[]string{"Epoch 3: 100%|####| 10/10 [00:00<00:00, 22.33it/s, v_num=0]`Trainer.fit` stopped: `max_epochs=4` reached.", "Epoch 3: 100%|####| 10/10"},
			endings{Lightning: ending{Said: true, Finished: true, Epochs: 4}}},
		{[]string{"INFO:lightning:`Trainer.fit` stopped: `max_steps=25` reached."}, endings{Lightning: ending{Said: true, Finished: true, Steps: 25}}},
		{[]string{"`Trainer.fit` stopped: `max_epochs=4", "`Trainer.fit` stopped: `max_epochs=x` reached.", "`Trainer.fit` stopped: No training batches."}, endings{}},
		{[]string{"Monitored metric val_loss did not improve in the last 2 records. Best score: 1.000. Signaling Trainer to stop."},
			endings{Lightning: ending{Said: true, Early: true}}},
		{[]string{"Time limit reached. Elapsed time is 0:01:00. Signaling Trainer to stop.",
			"Trainer was signaled to stop but the required `min_epochs=3` or `min_steps=None` has not been met. Training will continue..."},
			endings{Lightning: ending{Said: true}}},
		{[]string{"`Trainer.fit` stopped: `max_epochs=4` reached.", "5         Trainable params", "0         Non-trainable params"}, endings{Lightning: ending{Said: true}}},
		{[]string{"`Trainer.fit` stopped: `max_epochs=4` reached.", "Epoch 0:   0%|          | 0/10 [00:00<?, ?it/s]"}, endings{Lightning: ending{Said: true}}},
	}
	for _, tt := range tests {
		var got endings
		for _, l := range tt.lines {
			got.line(l)
		}
		if got != tt.want {
			t.Errorf("%q:\n%+v, want\n%+v", tt.lines, got, tt.want)
		}
	}
}
