package check

import (
	"os"
	"testing"

	"runsheet/internal/durable/fusetest"
)

func TestMain(m *testing.M) {
	fusetest.Main()
	os.Exit(m.Run())
}
