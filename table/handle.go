package table

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/timeline"
)

// Handle is an opened table: what everything that works on it needs. It is a value that
// nothing changes; its Config is replaced by opening the table again.
type Handle struct {
	Store  storage.Store
	Config *Config
	// Clock tells the time; nothing else does.
	Clock func() time.Time
	Log   *slog.Logger

	// Zone is the process's time zone, in which tables with a LOCAL timeline count.
	Zone *time.Location
	// LockWait is how long to wait for the table's lock.
	LockWait time.Duration
	// Skew is how far the clocks of two writers may be apart. It is waited for before a
	// completion time is used, unless all writers share this machine's clock.
	Skew time.Duration
	// Beat is the time between two heartbeats of a writer. After two that did not come it
	// is held for dead.
	Beat time.Duration
	// Metadata says what becomes of the metadata table, MetadataWith which partitions are begun in
	// one that does not have them, and MetadataWithout which are dropped.
	Metadata        MetadataMode
	MetadataWith    []string
	MetadataWithout []string
	// RecordIndex is the record index that a table without one gets, nil for none.
	RecordIndex *RecordIndex
	// Secondary is a secondary index that a table without it gets, nil for none.
	Secondary *SecondaryIndex
	// NewUUID makes random ids, in canonical text.
	NewUUID func() string
}

// RecordIndex says what a record index of the metadata table is to be like.
type RecordIndex struct {
	// Partitioned says that a key is unique within its partition only, from version 9 on.
	Partitioned bool
	// Least and Most bound the number of its file groups, or of those of a partition; 0 stands
	// for real Hudi's numbers.
	Least, Most int64
}

// SecondaryIndex says what a secondary index of the metadata table is to be like.
type SecondaryIndex struct {
	Name, Column string
	Least, Most  int64 // see RecordIndex
}

// The defaults of a Handle, which are real Hudi's.
const (
	DefaultLockWait = time.Minute
	DefaultSkew     = 200 * time.Millisecond
	DefaultBeat     = time.Minute
)

// NewHandle makes a Handle with the defaults.
func NewHandle(st storage.Store, c *Config, clock func() time.Time, log *slog.Logger) *Handle {
	h := &Handle{
		Store: st, Config: c, Clock: clock, Log: log, Zone: time.Local,
		LockWait: DefaultLockWait, Skew: DefaultSkew, Beat: DefaultBeat, NewUUID: uuid.NewString,
	}
	if st.Capabilities().SharedClock {
		h.Skew = 0
	}
	return h
}

// Timeline loads the active timeline.
func (h *Handle) Timeline(ctx context.Context) (*timeline.Timeline, error) {
	return h.Config.Timeline(ctx, h.Store, h.Zone)
}

// View makes a view of the table's files as a timeline shows them.
func (h *Handle) View(tl *timeline.Timeline) *View {
	return NewView(h.Config, tl, StorageLister(h.Store))
}
