package cdc

import "github.com/apache/arrow-go/v18/arrow"

// Batch is what a Decoder made of the records since the last Flush.
type Batch struct {
	// Rows are in the order of the records, each batch with at most 64 Ki rows and about 16 MiB.
	Rows []arrow.RecordBatch
	// Unavailable are the values that the source did not send because they did not change
	// (PostgreSQL's TOAST), in the order of the rows.
	Unavailable []Cell
	// KeyChanges are the two rows of each update of a key, in the order of the rows: the delete
	// of the old key and the insert of the new one, which may be in different partitions.
	KeyChanges []KeyChange
	// OtherKeys has their other keys, as the key columns; nil without key changes.
	OtherKeys arrow.RecordBatch
	// Ranges are the offsets covered, one range a topic and partition, in order of appearance.
	Ranges []Range
	Counts Counts
	// Unknown are the columns that events had and the table lacks (events without schemas only).
	Unknown []string
	// OutOfRange tells the first value that Counts.OutOfRange counts, for the log.
	OutOfRange string
}

// Release frees the rows.
func (b *Batch) Release() {
	for _, r := range b.Rows {
		r.Release()
	}
	if b.OtherKeys != nil {
		b.OtherKeys.Release()
	}
	b.Rows, b.OtherKeys = nil, nil
}

// Cell is one value of a row: Rows[Batch], row Row, column Column. A string or bytes column
// holds the placeholder there (string and bytes are what Hudi's FILL_UNAVAILABLE resolves), any other null.
type Cell struct {
	Batch, Row, Column int
}

// KeyChange says that a row is one side of an update of a key. The other side's key is in
// row OtherKey of OtherKeys.
type KeyChange struct {
	Batch, Row int
	OtherKey   int
	// Position is the position of the update in the source, which both rows have in common.
	Position int64
	// Gone says that the row is the delete of the old key.
	Gone bool
	// Unavailable says that the row, of the new key, lacks values which only the row of the old
	// key has.
	Unavailable bool
}

// Range is the part of a partition that a batch covers.
type Range struct {
	Topic     string
	Partition int32
	// First is the offset of the first record, Next that after the last.
	First, Next int64
	// Time is the latest time of a change in its source, in milliseconds since 1970, 0 for none.
	Time int64
	// Order is the highest ordering value seen in the partition, for the next decoder's Options.Seed.
	Order int64
}

// Counts counts records and values.
type Counts struct {
	Snapshots  int64 // op r, incremental snapshots included
	Creates    int64
	Updates    int64
	Deletes    int64
	Truncates  int64 // ignored, or rows of Append mode
	Tombstones int64
	Messages   int64 // logical decoding messages, ignored
	Other      int64 // heartbeats, transaction and schema change records, ignored
	Skipped    int64 // by Skip
	Logs       int64 // times that a partition went over to another log, as after a failover

	OutOfRange int64 // values stored as null, see the package documentation
}

// Rows is the number of rows in Upsert mode.
func (c Counts) Rows() int64 { return c.Snapshots + c.Creates + c.Updates + c.Deletes }

// partition is the state of one Kafka partition, and its range in the batch.
type partition struct {
	Range
	floor  int64  // no ordering value is less, since the last event that settles
	origin origin // of the event with the highest ordering value
}

// order gives the ordering value of an event; ok says that it has a position. An event settles
// what is true at its time, whatever the positions before it: the row of a snapshot, and the
// first event of another log.
func (p *partition) order(position int64, ok, settles bool) int64 {
	switch {
	case !ok:
		return p.Order
	case settles:
		return max(position, p.Order)
	}
	return max(position, p.floor)
}

// took notes that a record was consumed, with the ordering value of its row if it is a row.
func (p *partition) took(offset, sourceTime int64) {
	if p.First < 0 {
		p.First = offset
	}
	p.Next = max(p.Next, offset+1)
	p.Time = max(p.Time, sourceTime)
}

// tookRow notes a row. After one of a snapshot, which has no position or that of the whole
// snapshot, no event gets less: a transaction that was under way when the snapshot was taken
// wrote its changes at positions before it, and comes after it. Nor after the first of another log.
func (p *partition) tookRow(order int64, settles bool) {
	p.Order = max(p.Order, order)
	if settles {
		p.floor = p.Order
	}
}
