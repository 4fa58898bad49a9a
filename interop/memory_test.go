package interop_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hudi-go/hudi-go/interop"
)

// memoryLimit is what an ingest with the default budget of 512 MiB may take, in MiB.
const memoryLimit = 640

// hudictl ingest with its default budget keeps to it, however many events there are: HUDI_GO_EVENTS (300000), over a
// third as many keys, as bench/gen.py makes them.
func TestMemory(t *testing.T) {
	events := setting(t, "HUDI_GO_EVENTS", 300_000)
	lab := interop.StartKafka(t)
	lab.CreateTopic(t, "shop.public.orders", 4)
	began := time.Now()
	live := produceOrders(t, lab.Brokers, "shop.public.orders", events, events*3/10)
	t.Logf("%d events produced in %s, %d live keys", events, time.Since(began).Round(time.Second), live)
	columns, err := filepath.Abs("../bench/orders.avsc")
	require.NoError(t, err)
	for _, kind := range []string{"mor", "cow"} {
		path := filepath.Join(t.TempDir(), "orders")
		cmd := interop.Hudictl(t, "ingest", path, "--brokers", lab.Brokers, "--topic", "shop.public.orders", "--type", kind,
			"--schema", columns, "--once", "--output", "json", "--memory", "512MiB")
		var out, problems bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &problems
		cmd.Env = append(os.Environ(), strings.Fields(os.Getenv("HUDI_GO_INGEST_ENV"))...)
		require.NoError(t, cmd.Start())
		peak := make(chan int, 1)
		go func() { peak <- watchMemory(cmd.Process.Pid) }()
		require.NoError(t, cmd.Wait(), &problems)
		var sum struct{ Events, Commits, Elapsed int64 }
		require.NoError(t, json.Unmarshal(out.Bytes(), &sum), out.String())
		require.EqualValues(t, events, sum.Events)
		mib := <-peak
		t.Logf("%s: %d events in %s, %.0f/s, %d commits, peak %d MiB", kind, sum.Events, time.Duration(sum.Elapsed).Round(time.Millisecond),
			float64(sum.Events)/time.Duration(sum.Elapsed).Seconds(), sum.Commits, mib)
		if mib > memoryLimit {
			t.Errorf("%s: peak memory is %d MiB", kind, mib)
		}
		require.Len(t, interop.QueryHudictl(t, path, "--columns", "id"), live, kind)
	}
}

// A scan of a merge-on-read table whose logs are ten times the memory does not take more for it. With
// HUDI_GO_SCAN_MIB=256, which takes minutes and 6 GB of disk, it keeps to the memory and a fifth.
func TestScanMemory(t *testing.T) {
	memory := setting(t, "HUDI_GO_SCAN_MIB", 0)
	if memory == 0 {
		t.Skip("writes ten times the memory into logs; to run it: HUDI_GO_SCAN_MIB=256 (minutes, and 6 GB of disk), or less")
	}
	const noteBytes, batch, cities, times = 1000, 20_000, 4, 10
	rows := times * memory << 20 / noteBytes
	path := filepath.Join(t.TempDir(), "notes")
	columns := filepath.Join(t.TempDir(), "notes.avsc")
	require.NoError(t, os.WriteFile(columns, []byte(`{"type":"record","name":"note","fields":[{"name":"id","type":"long"},`+
		`{"name":"city","type":["null","string"],"default":null},{"name":"note","type":["null","string"],"default":null}]}`), 0o644))
	run := func(stdin string, args ...string) {
		cmd := interop.Hudictl(t, append(args, "--quiet")...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	run("", "create", path, "--name", "notes", "--type", "mor", "--keys", "id", "--partition-by", "city", "--schema", columns)
	rng := rand.New(rand.NewPCG(1, 1))
	note := make([]byte, noteBytes)
	fill := func(op string, length int) {
		for begin := 0; begin < rows; begin += batch {
			var in strings.Builder
			for id := begin; id < min(begin+batch, rows); id++ {
				for i := range length {
					note[i] = byte('a' + rng.IntN(26))
				}
				fmt.Fprintf(&in, `{"id":%d,"city":"c%d","note":"%s"}`+"\n", id, id%cities, note[:length])
			}
			run(in.String(), "commit", path, "--op", op, "--input", "jsonl", "--option", "hoodie.compact.inline=false")
		}
	}
	fill("insert", 1)
	fill("upsert", noteBytes)
	logs := 0
	require.NoError(t, filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && strings.Contains(d.Name(), ".log.") && !strings.HasSuffix(p, ".crc") {
			info, err := d.Info()
			require.NoError(t, err)
			logs += int(info.Size())
		}
		return err
	}))
	require.GreaterOrEqual(t, logs, times*memory<<20*9/10)
	peak := scanPeak(t, path, memory, rows)
	t.Logf("logs %d MiB, memory %d MiB: peak %d MiB", logs>>20, memory, peak)
	require.LessOrEqual(t, peak, keptTo(memory))
}

// keptTo is what a command that keeps to so many MiB of memory may take: a fifth more.
func keptTo(memory int) int {
	if memory < 256 { // what the program itself takes, and its garbage, is more than so little memory
		const program, garbage = 80, 16
		return program + 2*memory + garbage
	}
	return memory * 6 / 5
}

// An upsert of every row of a table takes no more memory than it may, however many rows there are: HUDI_GO_UPSERT_ROWS
// (300000) with HUDI_GO_UPSERT_MIB (48).
func TestUpsertMemory(t *testing.T) {
	interop.Need(t)
	rows, memory := setting(t, "HUDI_GO_UPSERT_ROWS", 300_000), setting(t, "HUDI_GO_UPSERT_MIB", 48)
	for _, kind := range []string{"cow", "mor"} {
		path := filepath.Join(t.TempDir(), "things")
		columns := filepath.Join(t.TempDir(), "things.avsc")
		require.NoError(t, os.WriteFile(columns, []byte(`{"type":"record","name":"thing","fields":[{"name":"id","type":"long"},`+
			`{"name":"state","type":"string"},{"name":"price","type":"double"},{"name":"note","type":"string"},{"name":"ts","type":"long"}]}`), 0o644))
		index := fmt.Sprintf("bucket:%d", 1+rows/100_000)
		require.NoError(t, interop.Hudictl(t, "create", path, "--name", "things", "--type", kind, "--keys", "id", "--ordering", "ts", "--schema", columns, "--index", index).Run())
		commit := func(op string, step, ts int) int {
			in, out := io.Pipe()
			go func() {
				to := bufio.NewWriter(out)
				for i := range rows {
					id := i * step % rows // in another order
					fmt.Fprintf(to, `{"id":%d,"state":"%d","price":%d.5,"note":"a note on thing %d that nobody is ever going to read, number %d","ts":%d}`+"\n", id, ts, id, id, i, ts)
				}
				_ = out.CloseWithError(to.Flush())
			}()
			cmd := interop.Hudictl(t, "commit", path, "--op", op, "--input", "jsonl", "--quiet", "--memory", fmt.Sprintf("%dMiB", memory), "-")
			var problems bytes.Buffer
			cmd.Stdin, cmd.Stderr = in, &problems
			require.NoError(t, cmd.Start())
			peak := make(chan int, 1)
			go func() { peak <- watchMemory(cmd.Process.Pid) }()
			require.NoError(t, cmd.Wait(), &problems)
			return <-peak
		}
		commit("bulk-insert", 1, 1)
		began := time.Now()
		peak := commit("upsert", 7_919, 2) // a prime
		t.Logf("%s: upsert of %d rows into as many with %d MiB in %s, peak %d MiB", kind, rows, memory, time.Since(began).Round(time.Second), peak)
		require.LessOrEqual(t, peak, keptTo(memory), kind)
		seen := interop.Hudictl(t, "query", path, "--output", "jsonl", "--columns", "id", "--where", "state = '2'", "--quiet")
		count := &lineCounter{}
		seen.Stdout = count
		require.NoError(t, seen.Run())
		require.Equal(t, rows, count.lines, kind)
	}
}

// scanPeak reads all rows of a table and returns the peak of memory in MiB.
func scanPeak(t *testing.T, path string, memory, rows int) int {
	t.Helper()
	cmd := interop.Hudictl(t, "query", path, "--output", "jsonl", "--quiet", "--memory", fmt.Sprintf("%dMiB", memory))
	var problems bytes.Buffer
	out := &lineCounter{}
	cmd.Stdout, cmd.Stderr = out, &problems
	require.NoError(t, cmd.Start())
	peak := make(chan int, 1)
	go func() { peak <- watchMemory(cmd.Process.Pid) }()
	require.NoError(t, cmd.Wait(), &problems)
	require.Equal(t, rows, out.lines)
	return <-peak
}

type lineCounter struct{ lines int }

func (c *lineCounter) Write(p []byte) (int, error) {
	c.lines += bytes.Count(p, []byte("\n"))
	return len(p), nil
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// watchMemory returns the peak of a process's resident memory in MiB, when the process has ended. (What wait4 tells
// begins at the memory of the process that started it.)
func watchMemory(pid int) int {
	peak := 0
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return peak / 1024
		}
		if m := highWater.FindSubmatch(status); m != nil {
			if kb, err := strconv.Atoi(string(m[1])); err == nil {
				peak = max(peak, kb)
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// produceOrders sends change events of orders and returns how many keys are live in the end.
func produceOrders(t *testing.T, brokers, topic string, events, keys int) int {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers), kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(kgo.Lz4Compression()),
		kgo.ProducerLinger(20*time.Millisecond), kgo.MaxBufferedRecords(50_000))
	require.NoError(t, err)
	defer client.Close()
	rng := rand.New(rand.NewPCG(42, 0))
	words := strings.Fields("furiously quickly carefully slyly ironic final bold express pending silent special packages deposits requests accounts")
	live := make([]bool, keys+1)
	count := 0
	var failed error
	for j := range events {
		id := 1 + int(float64(keys)*rng.Float64()*rng.Float64()) // some keys change much more often than others
		lsn, at := 24_000_000+112*j, 1_700_000_000_000+j
		op, before, after := "c", "null", ""
		switch {
		case live[id] && rng.IntN(20) == 0:
			op, after = "d", "null"
			before = fmt.Sprintf(`{"id":%d,"customer_id":0,"status":null,"amount":null,"city":null,"note":null,"qty":0,"price":0.0,"active":false,"created_at":0,"updated_at":0}`, id)
			live[id], count = false, count-1
		default:
			if live[id] {
				op = "u"
			} else {
				live[id], count = true, count+1
			}
			amount := 100 + rng.IntN(5_000_000)
			var note []string
			for range 3 + rng.IntN(12) {
				note = append(note, words[rng.IntN(len(words))])
			}
			after = fmt.Sprintf(`{"id":%d,"customer_id":%d,"status":"%s","amount":"%d.%02d","city":"city-%d","note":"%s","qty":%d,"price":%g,"active":%t,"created_at":%d,"updated_at":%d}`,
				id, id%50021, []string{"NEW", "PAID", "PACKED", "SHIPPED", "CLOSED"}[rng.IntN(5)], amount/100, amount%100, rng.IntN(1000),
				strings.Join(note, " "), id%97, float64(amount)/100, rng.IntN(5) > 0, (1_700_000_000_000-id)*1000, at*1000)
		}
		client.Produce(t.Context(), &kgo.Record{Key: fmt.Appendf(nil, `{"id":%d}`, id), Value: fmt.Appendf(nil,
			`{"before":%s,"after":%s,"source":{"version":"3.5.0.Final","connector":"postgresql","name":"shop","ts_ms":%d,"snapshot":"false","db":"shop",`+
				`"sequence":"[\"%d\",\"%d\"]","ts_us":%d,"ts_ns":%d,"schema":"public","table":"orders","txId":%d,"lsn":%d,"xmin":null},`+
				`"transaction":null,"op":"%s","ts_ms":%d,"ts_us":%d,"ts_ns":%d}`,
			before, after, at, lsn-112, lsn, at*1000, at*1_000_000, 700+j/10, lsn, op, at+5, (at+5)*1000, (at+5)*1_000_000)},
			func(_ *kgo.Record, err error) {
				if err != nil {
					failed = err
				}
			})
	}
	require.NoError(t, client.Flush(t.Context()))
	require.NoError(t, failed)
	return count
}
