package main

import (
	"runsheet/internal/prove/evidence"
	"runsheet/internal/prove/forget"
	"runsheet/internal/prove/history"
	"runsheet/internal/prove/hostile"
	"runsheet/internal/prove/images"
	"runsheet/internal/prove/interleave"
	"runsheet/internal/prove/method"
	"runsheet/internal/prove/mutants"
	"runsheet/internal/prove/nfs"
	"runsheet/internal/prove/readers"
	"runsheet/internal/prove/storm"
	"runsheet/internal/prove/sweep"
	"runsheet/internal/prove/unattended"
)

// special are the methods that are run only by name: they need what most machines lack, or are run by others.
var special = []string{"nfs"}

// methods lists the methods, the cheap ones first.
func methods() []method.Method {
	return []method.Method{
		nfs.Method(),
		history.Method(),
		sweep.Method(),
		interleave.Method(),
		evidence.Method(),
		forget.Method(),
		images.Method(),
		unattended.Method(),
		hostile.Method(),
		readers.Method(),
		storm.Method(),
		mutants.Method(),
	}
}
