package interop

import (
	"os"
	"sync"
	"testing"
)

var atEnd struct {
	sync.Mutex
	stop []func()
}

// Main is TestMain of a package that uses shared engines: it runs the tests and ends what they started.
func Main(m *testing.M) {
	code := m.Run()
	atEnd.Lock()
	defer atEnd.Unlock()
	for i := len(atEnd.stop) - 1; i >= 0; i-- {
		atEnd.stop[i]()
	}
	os.Exit(code)
}

func stopAtEnd(stop func()) {
	atEnd.Lock()
	defer atEnd.Unlock()
	atEnd.stop = append(atEnd.stop, stop)
}
