package interop

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Engine names what interop/lab/setup.sh installs.
type Engine string

// The engines.
const (
	EngineSpark Engine = "spark" // Spark 3.5, with Hudi 0.15.0, 1.0.2 and 1.2.0
	EngineLab   Engine = "lab"   // PostgreSQL, MariaDB, Debezium, Kafka Connect, Kafka
	EngineS3    Engine = "s3"    // versitygw
)

var installed sync.Map // Engine → func() error

// Need skips the test unless the interop suite is wanted (see the package comment), and otherwise makes sure that the
// engines are installed; that they cannot be is a failure.
func Need(t testing.TB, engines ...Engine) {
	t.Helper()
	if !wanted() {
		t.Skipf("interop: needs %v (Java, and packages of about 1 GB); to run it: HUDI_GO_INTEROP=1 go test ./interop/...", engines)
	}
	for _, e := range engines {
		install, _ := installed.LoadOrStore(e, sync.OnceValue(func() error {
			return run(filepath.Join(sourceDir(), "lab", "setup.sh"), string(e))
		}))
		if err := install.(func() error)(); err != nil {
			t.Fatalf("interop: install %s: %v", e, err)
		}
	}
}

// Whole tells whether tests run every combination of what they have, and not a choice of them.
func Whole() bool { return os.Getenv("HUDI_GO_INTEROP") == "all" }

func wanted() bool {
	switch os.Getenv("HUDI_GO_INTEROP") {
	case "1", "all":
		return true
	case "0":
		return false
	}
	return os.Getenv("CI") == "true"
}

// CacheDir is where the engines are installed.
func CacheDir() string {
	if dir := os.Getenv("HUDI_GO_CACHE"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = os.TempDir()
	}
	return filepath.Join(home, ".cache", "hudi-go")
}

// sourceDir is this package's folder, wherever the test that imports it runs.
func sourceDir() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(file)
}

// run runs a command to its end; the error carries the end of what it printed to stderr.
func run(name string, args ...string) error {
	_, err := output(exec.Command(name, args...))
	return err
}

func output(cmd *exec.Cmd) (string, error) {
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return "", &commandError{cmd.Args, err, tail(problems.String())}
	}
	return out.String(), nil
}

type commandError struct {
	args   []string
	err    error
	stderr string
}

func (e *commandError) Error() string {
	return strings.Join(e.args, " ") + ": " + e.err.Error() + "\n" + e.stderr
}

func (e *commandError) Unwrap() error { return e.err }

func tail(text string) string {
	const limit = 4000
	if len(text) > limit {
		return "…" + text[len(text)-limit:]
	}
	return text
}
