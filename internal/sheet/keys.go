package sheet

// The keys of a sheet and of its parts. They are read where their names say; the schema lists the same.
var (
	sheetKeys = []string{
		"version", "name", "setup", "activate", "command", "resume", "work_dir", "matrix", "include", "exclude", "configs", "runs",
		"commands", "repeat", "progress", "metrics", "env", "secrets", "resources", "policy", "pool",
	}
	progressKeys = []string{
		"tracker", "epochs", "total", "unit", "files", "log", "early_stopping", "file", "pattern", "step", "first", "metrics", "command",
	}
	earlyKeys    = []string{"patience", "metrics"}
	metricKeys   = []string{"mode"}
	resourceKeys = []string{"gpus", "cpus", "memory", "gpu_memory", "time"}
	localKeys    = []string{"name", "gpus", "jobs"}
	slurmKeys    = []string{"name", "partition", "time", "gres", "max_queued", "options"}
	policyKeys   = []string{
		"jobs", "retries", "backoff", "activity_window", "stuck_after", "on_stuck", "outdated_after", "outdated_before",
		"rerun_outdated", "stop_grace", "host_lost_after", "min_free",
	}
	// As tracker.Names lists them; a test in cli holds that they are the same.
	trackers = []string{
		"auto", "evaluation", "epochs", "reported", "llamafactory", "transformers", "catboost", "ultralytics", "yolov5",
		"lightning", "torchtune", "timm", "sb3", "keras_csv", "mmengine", "mmcv", "detectron2", "nerfstudio", "megatron",
		"deepspeed", "tensorboard", "wandb", "mlflow", "diffusers", "log", "pylon_log", "transformers_log", "keras", "lightgbm",
		"xgboost", "catboost_log", "sklearn", "megatron_log", "fairseq_log", "mmengine_log", "sb3_log", "epochs_log", "steps_log",
		"tqdm", "regex", "csv", "jsonl", "json", "files", "command",
	}

	// reservedNames cannot be parameters: they mean something else in a template or in an entry of `runs`.
	reservedNames = []string{"work_dir", "resume", "sheet_dir", "config", "command", "params", "progress", "resources"}
)
