package tracker_test

import (
	"context"
	"fmt"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

func TestSB3(t *testing.T) {
	real := func(name string) string { return "real/stable_baselines3/" + name }
	checkCases(t, []tcase{
		{dir: real("middle"), metrics: []string{"rollout/ep_rew_mean", "train/value_loss"}, want: "sb3 400/? step, rollout/ep_rew_mean=20.368, train/value_loss=15.241", most: 450},
		{dir: real("early"), metrics: []string{"eval/mean_reward", "rollout/ep_len_mean"}, want: "sb3 500/? step, early at 500, eval/mean_reward=80.5, rollout/ep_len_mean=20.316"},
	})
	checkTold(t, []tcase{
		{dir: real("start"), metrics: []string{"*"}, want: "sb3 15/? step, episode reward=15"},
		{dir: real("end"), spec: runsheet.ProgressSpec{Total: 600, Unit: "timestep"}, want: "sb3 600/600 timestep"},
		{dir: real("ppo"), metrics: []string{"train/loss"}, want: "sb3 640/? step, train/loss=38.41"},
		{dir: real("ppo"), spec: runsheet.ProgressSpec{Tracker: "sb3", Files: []string{"logs/progress.csv"}, Total: 600}, want: "sb3 640/600 step"},
		{dir: real("default"), want: "sb3 600/? step"},
		{dir: real("crashed"), want: "sb3 300/? step"},
		{dir: real("resumed"), want: "sb3 1000/? step"},
		{dir: real("bar"), want: "sb3 600/? step"},
		{dir: real("end"), spec: runsheet.ProgressSpec{Epochs: true, Total: 3},
			want: "error: stable-baselines3 counts steps only; give `total` instead of `epochs` in the sheet"},
		{dir: "sb3/json", metrics: []string{"*"}, want: "sb3 4096/? step, rollout/ep_rew_mean=33.4, train/loss=NaN"},
	})
}

func TestSB3Series(t *testing.T) {
	series, _ := tracker.Series(context.Background(), durable.OS(), copied(t, "testdata/real/stable_baselines3/ppo"), runsheet.ProgressSpec{}, tracker.Options{})
	want := "[{256 38.5156364440918} {384 34.578426361083984} {512 41.17497634887695} {640 38.40989685058594}]"
	if got := fmt.Sprint(series["train/loss"]); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
