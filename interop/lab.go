package interop

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// LabPartitions is the number of partitions of every topic of the lab's connectors.
const LabPartitions = 3

// markerSchema is captured by every connector beside its own schema, see Lab.WaitCaptured.
const markerSchema = "lab"

// Database is a source database, and what the lab has to know of it.
type Database struct {
	name       string // as the scripts have it
	client     string // the script's command that runs SQL
	query      []string
	tables     string // SQL that makes the marker table and the one by which connectors get signals
	nextMarker string
}

const signals = "; create table " + markerSchema + ".signals(id varchar(64) primary key, type varchar(32) not null, data varchar(2048))"

// The databases. A schema is what MariaDB calls a database.
var (
	PostgreSQL = Database{
		name: "postgres", client: "psql", query: []string{"-At"},
		tables:     "create schema " + markerSchema + "; create table " + markerSchema + ".marker(id bigserial primary key)" + signals,
		nextMarker: "insert into " + markerSchema + ".marker default values",
	}
	MariaDB = Database{
		name: "mariadb", client: "sql", query: []string{"--batch", "--raw", "--skip-column-names"},
		tables:     "create table " + markerSchema + ".marker(id bigint auto_increment primary key)" + signals,
		nextMarker: "insert into " + markerSchema + ".marker values ()",
	}
)

// Lab is a running database, Kafka broker and Kafka Connect worker with Debezium, on free ports of the loopback, with
// their data in a temporary folder.
type Lab struct {
	Dir     string // servers' logs: kafka/server.log, connect/worker.log, pg/server.log, mariadb/server.log
	Brokers string
	source  Database
	env     []string
	admin   *kadm.Client
	markers int64 // rows in the marker table, see WaitCaptured

	snapshots int // asked for, see Snapshot
}

// StartLab starts the three servers (some 20 seconds on two idle cores) and stops them at the end of the test, or when the
// test binary dies.
func StartLab(t testing.TB, source Database) *Lab {
	t.Helper()
	l := newLab(t, source)
	started := make(chan error, 1)
	go func() { // beside the others
		_, err := output(l.command(source.name+".sh", "start", l.Dir))
		started <- err
	}()
	l.script(t, "kafka.sh", "start", l.Dir)
	l.script(t, "connect.sh", "start", l.Dir)
	require.NoError(t, <-started)
	l.Exec(t, source.tables)
	return l
}

// StartKafka starts the broker alone.
func StartKafka(t testing.TB) *Lab {
	t.Helper()
	l := newLab(t, PostgreSQL)
	l.script(t, "kafka.sh", "start", l.Dir)
	return l
}

func newLab(t testing.TB, source Database) *Lab {
	t.Helper()
	Need(t, EngineLab)
	dir, err := os.MkdirTemp("", "hudi-go-lab-") // t.TempDir would be closed to the account that the database runs as
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	ports := freePorts(t, 4)
	l := &Lab{Dir: dir, Brokers: "127.0.0.1:" + ports[0], source: source, env: append(os.Environ(),
		"KAFKA_PORT="+ports[0], "KAFKA_CTL_PORT="+ports[1], "CONNECT_PORT="+ports[2], "PG_PORT="+ports[3], "MARIADB_PORT="+ports[3],
		"LAB_DATABASE="+source.name, "LAB_OWNER="+strconv.Itoa(os.Getpid()))}
	client, err := kgo.NewClient(kgo.SeedBrokers(l.Brokers))
	require.NoError(t, err)
	l.admin = kadm.NewClient(client)
	t.Cleanup(func() {
		l.admin.Close()
		for _, script := range []string{"connect.sh", source.name + ".sh", "kafka.sh"} {
			l.script(t, script, "stop", l.Dir)
		}
		if t.Failed() {
			t.Logf("interop: the servers' logs are in %s", l.Dir)
			return
		}
		_ = os.RemoveAll(l.Dir)
	})
	return l
}

func freePorts(t testing.TB, n int) []string {
	t.Helper()
	ports := make([]string, n)
	for i := range ports {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { _ = listener.Close() }() // all at once, so that they differ
		_, ports[i], err = net.SplitHostPort(listener.Addr().String())
		require.NoError(t, err)
	}
	return ports
}

// command is one of the scripts in interop/lab.
func (l *Lab) command(script string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(sourceDir(), "lab", script), args...)
	cmd.Env = l.env
	return cmd
}

func (l *Lab) script(t testing.TB, script string, args ...string) string {
	t.Helper()
	out, err := output(l.command(script, args...))
	require.NoError(t, err)
	return out
}

// Exec runs SQL statements with the database's client; it stops at the first that fails.
func (l *Lab) Exec(t testing.TB, sql string) {
	t.Helper()
	require.NoError(t, l.TryExec(sql))
}

// TryExec is Exec for another goroutine than the test's.
func (l *Lab) TryExec(sql string) error {
	_, err := l.client(sql)
	return err
}

// client runs the database's client.
func (l *Lab) client(sql string, options ...string) (string, error) {
	cmd := l.command(l.source.name+".sh", append([]string{l.source.client, l.Dir}, options...)...)
	cmd.Stdin = strings.NewReader(sql)
	return output(cmd)
}

// Query returns the lines of a query's result, which has one column.
func (l *Lab) Query(t testing.TB, sql string) []string {
	t.Helper()
	out, err := l.client(sql, l.source.query...)
	require.NoError(t, err)
	if out == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(out, "\n"), "\n")
}

// Capture starts a Debezium connector for a schema: a snapshot, then the changes. The topics are
// prefix.schema.table, with LabPartitions partitions. Format is that of mkconn.py: "js" has schemas, "j" has none.
func (l *Lab) Capture(t testing.TB, format, prefix, schema string, settings ...string) {
	t.Helper()
	conf := l.script(t, "mkconn.py", append([]string{format, prefix, schema + "," + markerSchema}, settings...)...)
	file := filepath.Join(t.TempDir(), "connector.json")
	require.NoError(t, os.WriteFile(file, []byte(conf), 0o600))
	l.script(t, "connect.sh", "put", l.Dir, prefix, file)
}

// Snapshot lets the connectors read tables, schema.table, once more while changes go on (an incremental snapshot).
func (l *Lab) Snapshot(t testing.TB, tables ...string) {
	t.Helper()
	l.snapshots++
	l.Exec(t, fmt.Sprintf(`insert into %s.signals values('snapshot-%d', 'execute-snapshot', '{"data-collections": ["%s"], "type": "incremental"}')`,
		markerSchema, l.snapshots, strings.Join(tables, `", "`)))
}

// CreateTopic makes a topic.
func (l *Lab) CreateTopic(t testing.TB, topic string, partitions int32) {
	t.Helper()
	_, err := l.admin.CreateTopic(t.Context(), partitions, 1, nil, topic)
	require.NoError(t, err)
}

// Ends is the end offset of each partition of a topic; none when the topic does not exist yet.
func (l *Lab) Ends(ctx context.Context, topic string) (map[int32]int64, error) {
	listed, err := l.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	ends := map[int32]int64{}
	for partition, offset := range listed[topic] {
		if offset.Err == nil && partition >= 0 {
			ends[partition] = offset.Offset
		}
	}
	return ends, nil
}

// WaitRecords waits until a topic has at least n records, tombstones included, and returns how many it has.
func (l *Lab) WaitRecords(t testing.TB, topic string, n int64, atMost time.Duration) int64 {
	t.Helper()
	var total int64
	require.Eventually(t, func() bool {
		var err error
		total, err = l.records(t.Context(), topic)
		return err == nil && total >= n
	}, atMost, 200*time.Millisecond, "%s has %s of %d records", topic, lazy(func() string { return fmt.Sprint(total) }), n)
	return total
}

// lazy is evaluated when it is printed, that is after the wait.
type lazy func() string

func (f lazy) String() string { return f() }

func (l *Lab) records(ctx context.Context, topics ...string) (int64, error) {
	var total int64
	for _, topic := range topics {
		ends, err := l.Ends(ctx, topic)
		if err != nil {
			return 0, err
		}
		for _, end := range ends {
			total += end
		}
	}
	return total, nil
}

// WaitCaptured waits until the connector has sent to these topics everything that the database has committed so far: a marker
// committed now has arrived, and nothing more comes.
func (l *Lab) WaitCaptured(t testing.TB, prefix string, atMost time.Duration, topics ...string) {
	t.Helper()
	l.markers++
	l.Exec(t, l.source.nextMarker)
	l.WaitRecords(t, prefix+"."+markerSchema+".marker", l.markers, atMost)
	// The marker may overtake records of other partitions that are still on their way, and a snapshot may be under way: each of
	// its chunks begins and ends with a signal.
	topics = append(slices.Clone(topics), prefix+"."+markerSchema+".signals")
	last, same := int64(-1), 0
	require.Eventually(t, func() bool {
		now, err := l.records(t.Context(), topics...)
		if err != nil || now != last {
			last, same = now, 0
			return false
		}
		same++
		return same == 2
	}, atMost, time.Second, "%s does not come to rest", prefix)
}
