package cdc
import ("testing";"os";"github.com/stretchr/testify/require";"github.com/hudi-go/hudi-go/schema")
func TestZZRow(t *testing.T) {
	if os.Getenv("CPU")=="" { t.Skip() }
	s, err := schema.Parse(ordersSchema); require.NoError(t, err)
	records := orderEvents(100)
	d, err := NewDecoder(Options{Schema: s, Wire: Wire{Decimal: DecimalText}}); require.NoError(t, err)
	require.NoError(t, d.Append(records[0]))
	b:=records[0].Value
	for r:=0;r<4;r++ {
	c:=cpu()
	for range 200000 { if err:=d.row(&records[0], &d.ev, 5); err!=nil {t.Fatal(err)} }
	d.Flush().Release()
	t.Log("row", (cpu()-c)/200000)
	c=cpu()
	for range 200000 { if err:=d.reader.read(b,&d.ev); err!=nil {t.Fatal(err)} }
	t.Log("read hot", (cpu()-c)/200000)
	for i, col := range d.programs[0].cols {
		c=cpu()
		for range 60000 { col.append(b, d.ev.after[i]) }
		e:=cpu()-c
		t.Logf("  col %d %T %v", i, col, e/60000)
		d.table.rows.b.Field(i).NewArray().Release()
	}
	}
}
