package cdc
import ("testing";"syscall";"os";"github.com/stretchr/testify/require";"github.com/hudi-go/hudi-go/schema";"time";"runtime")
func cpu() time.Duration { var r syscall.Rusage; syscall.Getrusage(syscall.RUSAGE_SELF,&r); return time.Duration(r.Utime.Nano()+r.Stime.Nano()) }
func TestZZCPU(t *testing.T) {
	if os.Getenv("CPU")=="" { t.Skip() }
	s, err := schema.Parse(ordersSchema); require.NoError(t, err)
	records := orderEvents(100_000)
	n:=0; for _,r:=range records {n+=len(r.Value)}
	t.Log("avg bytes", n/len(records))
	d, err := NewDecoder(Options{Schema: s, Wire: Wire{Decimal: DecimalText}}); require.NoError(t, err)
	runtime.GC()
	for round:=0; round<5; round++ {
		c:=cpu()
		for i:=range records { if err:=d.Append(records[i]); err!=nil {t.Fatal(err)} }
		d.Flush().Release()
		e:=cpu()-c
		c=cpu()
		for i:=range records { if err:=d.reader.read(records[i].Value,&d.ev); err!=nil {t.Fatal(err)} }
		e2:=cpu()-c
		c=cpu(); var row After2; for i:=range records { parseEvent(records[i].Value,&row) }; e3:=cpu()-c; t.Logf("floor %.0f ev/s %.0f MB/s", 1e5/e3.Seconds(), float64(n)/e3.Seconds()/1e6)
		t.Logf("append %v/event %.0f ev/cpu-s  %.0f MB/s; read %v %.0f ev/s %.0f MB/s", e/100000, 1e5/e.Seconds(), float64(n)/e.Seconds()/1e6, e2/100000, 1e5/e2.Seconds(), float64(n)/e2.Seconds()/1e6)
	}
}
