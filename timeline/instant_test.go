package timeline

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParseFileName(t *testing.T) {
	const at, done = "20261123085401547", "20261123085404497"
	tests := []struct {
		name   string
		layout Layout
		want   Instant // zero: no timeline file
	}{
		{at + ".commit.requested", Layout2, Instant{Time: at, Action: Commit, State: Requested}},
		{at + ".inflight", Layout2, Instant{Time: at, Action: Commit, State: Inflight}},
		{at + ".inflight", Layout1, Instant{Time: at, Action: Commit, State: Inflight}},
		{at + "_" + done + ".commit", Layout2, Instant{Time: at, Action: Commit, State: Completed, Completion: done}},
		{at + ".commit", Layout1, Instant{Time: at, Action: Commit, State: Completed}},
		{at + ".commit", Layout2, Instant{Time: at, Action: Commit, State: Completed}},
		{at + ".deltacommit.inflight", Layout1, Instant{Time: at, Action: DeltaCommit, State: Inflight}},
		{at + ".compaction.requested", Layout1, Instant{Time: at, Action: Compaction, State: Requested}},
		{at + ".clustering.inflight", Layout2, Instant{Time: at, Action: Clustering, State: Inflight}},
		{at + ".savepoint.inflight", Layout2, Instant{Time: at, Action: Savepoint, State: Inflight}},
		{at + "_" + done + ".savepoint", Layout2, Instant{Time: at, Action: Savepoint, State: Completed, Completion: done}},
		{"00000000000000.deltacommit", Layout1, Instant{Time: "00000000000000", Action: DeltaCommit, State: Completed}},
		// Not ours:
		{at + "_" + done + ".commit", Layout1, Instant{}},
		{at + "_" + done + ".commit.0f9d3c1e-7d2f-4a4c-8f2f-1e3d5a6b7c8d", Layout2, Instant{}},
		{at + "_" + done + ".commit.requested", Layout2, Instant{}},
		{at + ".commit.crc", Layout2, Instant{}},
		{"." + at + ".commit.crc", Layout2, Instant{}},
		{at + ".schemacommit", Layout2, Instant{}},
		{at + ".compaction", Layout1, Instant{}},
		{at + ".requested", Layout1, Instant{}},
		{at + "_.commit", Layout2, Instant{}},
		{"x" + at + ".commit", Layout1, Instant{}},
		{"hoodie.properties", Layout1, Instant{}},
		{"history", Layout2, Instant{}},
		{"", Layout1, Instant{}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d/%s", tt.layout, tt.name), func(t *testing.T) {
			got, ok := tt.layout.ParseFileName(tt.name)
			require.Equal(t, tt.want != Instant{}, ok)
			if ok {
				tt.want.File = tt.name
			}
			require.Equal(t, tt.want, got)
		})
	}
}

var actions = []Action{Commit, DeltaCommit, Compaction, LogCompaction, ReplaceCommit, Clustering, Clean, Rollback, Restore, Savepoint, Indexing}

// A file name that is made is read back as the instant.
func TestFileNameRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		layout := rapid.SampledFrom([]Layout{Layout1, Layout2}).Draw(t, "layout")
		i := Instant{
			Time:   rapid.StringMatching(`[0-9]{14}([0-9]{3})?`).Draw(t, "time"),
			Action: rapid.SampledFrom(actions).Draw(t, "action"),
			State:  rapid.SampledFrom([]State{Requested, Inflight, Completed}).Draw(t, "state"),
		}
		if i.Done() && layout == Layout2 {
			i.Completion = rapid.StringMatching(`[0-9]{17}`).Draw(t, "completion")
		}
		i.File = layout.FileName(i.Time, i.Action, i.State, i.Completion)
		if i.Done() || layout == Layout1 && i.Action == Clustering {
			i.Action = i.Action.Completed()
		}
		got, ok := layout.ParseFileName(i.File)
		require.True(t, ok)
		require.Equal(t, i, got)
	})
}

func FuzzParseFileName(f *testing.F) {
	for _, s := range []string{"20261123085401547.inflight", "1_2.commit", "1.clean.requested", "1_2.x.y", "..."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for _, l := range []Layout{Layout1, Layout2} {
			i, ok := l.ParseFileName(name)
			if legacy := l == Layout2 && i.Done() && i.Completion == ""; !ok || legacy {
				continue
			}
			if again := l.FileName(i.Time, i.Action, i.State, i.Completion); again != name && i.Action != Clustering {
				// commit has the short inflight name only; the long one is read too.
				require.Equal(t, i.Time+".commit.inflight", name)
			}
		}
	})
}
