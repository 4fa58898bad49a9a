//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// asHudictl makes the test binary be hudictl, for tests that need a process of its own.
const asHudictl = "HUDICTL_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asHudictl) != "" {
		main()
	}
	os.Exit(m.Run())
}

// terminal is hudictl at a pseudo terminal.
type terminal struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File
	ended  chan error

	mu   sync.Mutex
	text string // all that was printed
	seen int    // what expect has gone past
}

func startTerminal(t *testing.T, state string, args ...string) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo terminals: %v", err)
	}
	require.NoError(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 120}))
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	defer slave.Close()
	x := &terminal{t: t, master: master, ended: make(chan error, 1)}
	x.cmd = exec.Command(os.Args[0], args...)
	x.cmd.Env = append(os.Environ(), asHudictl+"=1", "TERM=xterm", "XDG_STATE_HOME="+state)
	x.cmd.Stdin, x.cmd.Stdout, x.cmd.Stderr = slave, slave, slave
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, x.cmd.Start())
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			x.mu.Lock()
			x.text += string(buf[:n])
			x.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	go func() { x.ended <- x.cmd.Wait() }()
	t.Cleanup(func() {
		_ = x.cmd.Process.Kill()
		_ = master.Close()
	})
	return x
}

func (x *terminal) send(text string) {
	x.t.Helper()
	_, err := x.master.WriteString(text)
	require.NoError(x.t, err)
}

// patience is for loaded machines; nothing waits so long where all is well.
const patience = time.Minute

// expect waits until a text is printed, after those of earlier calls.
func (x *terminal) expect(text string) {
	x.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		x.mu.Lock()
		at := strings.Index(x.text[x.seen:], text)
		if at >= 0 {
			x.seen += at + len(text)
		}
		all := x.text
		x.mu.Unlock()
		if at >= 0 {
			return
		}
		require.False(x.t, time.Now().After(end), "%q was not printed; the terminal has\n%s", text, all)
	}
}

// ends waits for the end of the process, which must be a good one.
func (x *terminal) ends() {
	x.t.Helper()
	select {
	case err := <-x.ended:
		require.NoError(x.t, err)
	case <-time.After(patience):
		require.Fail(x.t, "it did not end", x.text)
	}
}

const (
	ctrlC = "\x03"
	ctrlD = "\x04"
	tab   = "\t"
	up    = "\x1b[A"
)

// TestPrompt types at the prompt of hudictl sql on a terminal.
func TestPrompt(t *testing.T) {
	needSQL(t)
	uri, state := newTrips(t), t.TempDir()
	ok(t, oslo+"\n"+rome, "commit", uri, "--op", "insert")

	x := startTerminal(t, state, "sql", "-t", "trips="+uri)
	x.expect("1 table; .help tells more")
	x.expect(promptNew)
	x.send(".tables\r")
	x.expect("\ntrips\r\n")
	x.expect(promptNew)
	x.send("FROM trip" + tab + " SELECT far" + tab + " WHERE id = 1;\r") // names of tables and columns are completed
	x.expect("1.50")
	x.expect(" s\r\n") // how long it took
	x.expect(promptNew)

	x.send(".mode jsonl\r.timer off\rSELECT id\r") // a statement of two lines
	x.expect(promptMore)
	x.send("FROM trips WHERE city = 'Rome';\r")
	x.expect(`{"id":2}` + "\r\n")
	x.expect(promptNew)
	x.send(".mode csv\rSELECT id + 40 AS n FROM trips WHERE id = 2;\r")
	x.expect("\nn\r\n42\r\n")
	x.expect(promptNew)
	x.send(up + "\r") // history: the same again
	x.expect("\nn\r\n42\r\n")
	x.expect(promptNew)
	x.send("SELECT nothing FROM trips;\r") // an error is told, and the prompt stays
	x.expect("nothing")
	x.expect(promptNew)

	x.send("SELECT 'half")
	x.send(ctrlC) // a line that is typed is given up
	x.expect(promptNew)
	x.send("SELECT 6 * 7 AS still;\r")
	x.expect("\nstill\r\n42\r\n")
	x.expect(promptNew)
	for range 2 { // an interrupt ends the statement that runs, more than once
		x.send("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b;\r")
		x.expect(", 1 s") // a bar, or where DuckDB does not know the time alone
		x.send(ctrlC)
		x.expect("interrupted")
		x.expect(promptNew)
	}
	x.send("SELECT 7 * 7 AS alive;\r")
	x.expect("\nalive\r\n49\r\n")
	x.expect(promptNew)
	x.send(ctrlD)
	x.ends()

	typed, err := os.ReadFile(filepath.Join(state, "hudictl", "sql_history"))
	require.NoError(t, err)
	require.Contains(t, string(typed), "FROM trips SELECT fare WHERE id = 1;")
	again := startTerminal(t, state, "sql", "-t", "trips="+uri) // another day
	again.expect(promptNew)
	again.send(up + "\r")
	again.expect("alive")
	again.expect("49")
	again.expect(promptNew)
	again.send(".quit\r")
	again.ends()
}
