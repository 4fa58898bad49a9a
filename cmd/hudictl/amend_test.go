package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDeleteAndUpdate(t *testing.T) {
	for _, kind := range []string{"cow", "mor"} {
		t.Run(kind, func(t *testing.T) {
			uri := newTrips(t, "--type", kind)
			ok(t, oslo+"\n"+rome+"\n", "commit", uri, "--op", "insert")
			require.Equal(t, "would update 1 row in 1 file group\n", ok(t, "", "update", uri, "--set", "fare = 0", "--where", "city = 'Oslo'", "--dry-run"))
			require.Equal(t, []string{oslo, rome}, linesOf(ok(t, "", "query", uri)))
			instant := strings.TrimSpace(ok(t, "", "update", uri, "--set", "fare = fare * 2.5", "--set", "ts = ts + 1", "--where", "city = 'Oslo' OR fare > 100"))
			require.Len(t, instant, 17)
			osloNow := `{"id":1,"city":"Oslo","fare":"3.75","ts":2}`
			require.Equal(t, []string{osloNow, rome}, linesOf(ok(t, "", "query", uri)))
			require.Equal(t, []string{osloNow}, linesOf(ok(t, "", "query", uri, "--view", "incremental")))
			done := objects(t, ok(t, "", "delete", uri, "--where", "fare = 3.75", "--output", "json"))
			require.EqualValues(t, 1, done[0]["deletes"])
			require.Equal(t, []string{rome}, linesOf(ok(t, "", "query", uri)))
			ok(t, "", "delete", uri, "--all")
			require.Empty(t, ok(t, "", "query", uri))
		})
	}
}

func TestOverwriteAndDeletePartition(t *testing.T) {
	for _, kind := range []string{"cow", "mor"} {
		t.Run(kind, func(t *testing.T) {
			uri := newTrips(t, "--type", kind)
			ok(t, oslo+"\n"+rome+"\n", "commit", uri, "--op", "insert")
			oslo3 := `{"id":3,"city":"Oslo","fare":null,"ts":3}`
			done := objects(t, ok(t, oslo3, "commit", uri, "--op", "insert-overwrite", "--output", "json"))
			require.EqualValues(t, 1, done[0]["replaced"])
			require.Equal(t, []string{rome, oslo3}, linesOf(ok(t, "", "query", uri)))
			ok(t, "", "commit", uri, "--op", "delete-partition", "--partition", "R*")
			require.Equal(t, []string{oslo3}, linesOf(ok(t, "", "query", uri)))
			ok(t, oslo+"\n"+rome+"\n", "commit", uri, "--op", "insert-overwrite-table")
			require.Equal(t, []string{oslo, rome}, linesOf(ok(t, "", "query", uri)))
			ok(t, "", "commit", uri, "--op", "delete-partition", "--option", "hoodie.datasource.write.partitions.to.delete=Oslo,Berl*")
			require.Equal(t, []string{rome}, linesOf(ok(t, "", "query", uri)))
			ok(t, `{"city":"Rome"}`, "commit", uri, "--op", "delete-partition")
			require.Empty(t, ok(t, "", "query", uri))
			r := hudictl(`{"city":"Rome"}`, "commit", uri, "--op", "delete-partition", "--partition", "x", "-")
			require.Equal(t, 2, r.code)
			require.Contains(t, r.stderr, "leave one out")
		})
	}
}
