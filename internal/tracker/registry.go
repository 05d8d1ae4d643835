package tracker

// original are the trackers of the layout that Runsheet comes from. auto asks them first, and without a look at any
// log: what they read may be looked at many times a second.
var original = []Tracker{evaluation{}, epochs{}}

// files are the trackers of what frameworks leave in files of their own, in the order in which auto asks them: first a
// framework's record of its own state, then tables, event files, and what experiment trackers keep.
var files = []Tracker{
	llamaFactory{}, transformers{}, catboost{}, ultralytics{}, yolov5{}, lightning{}, torchtune{}, mmengine{}, mmcv{}, detectron2{}, nerfstudio{}, megatron{},
	timm{}, sb3{}, kerasCSV{},
	tensorBoard{}, wandB{}, mlFlow{},
	diffusers{}, deepspeed{},
}

// setUp are the trackers that a sheet has to set up: auto never chooses them.
var setUp = []Tracker{regex{}, csvFile{}, jsonl{}, jsonFile{}, fileCount{}, measured{}}

// automatic lists the trackers that auto chooses among, in the order in which it asks them. What the command says by
// itself outweighs what a framework leaves, and the lines of a log come last.
func automatic() []Tracker {
	var out []Tracker
	out = append(out, original...)
	out = append(out, reported{})
	out = append(out, files...)
	return append(out, logTracker{})
}

// all lists every tracker but auto.
func all() []Tracker {
	out := automatic()
	for _, d := range new(logState).dialects() {
		out = append(out, logTracker{d.name()})
	}
	return append(out, setUp...)
}
