package interop_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/interop"
)

// The lab itself: changes of a PostgreSQL table arrive in a topic of three partitions, after a snapshot.
func TestLabCapturesChanges(t *testing.T) {
	lab := interop.StartLab(t, interop.PostgreSQL)
	lab.Exec(t, `create schema s; create table s.t(id int primary key, v text default 'x');
		insert into s.t select g, null from generate_series(1, 10) g;`)
	lab.Capture(t, "js", "first", "s")
	const topic = "first.s.t"
	require.Equal(t, int64(10), lab.WaitRecords(t, topic, 10, time.Minute))

	lab.Exec(t, `insert into s.t select g, 'v' || g from generate_series(11, 50) g;
		update s.t set v = 'changed' where id <= 20; delete from s.t where id > 30;`)
	lab.WaitCaptured(t, "first", time.Minute, topic)
	// 10 read, 40 inserted, 20 updated, 20 deleted with a tombstone each
	require.Equal(t, int64(110), lab.WaitRecords(t, topic, 0, time.Minute))

	ends, err := lab.Ends(t.Context(), topic)
	require.NoError(t, err)
	require.Len(t, ends, interop.LabPartitions)
	for partition, end := range ends {
		require.NotZero(t, end, "partition %d is empty", partition)
	}
}
