package ingest

import (
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hudi-go/hudi-go/cdc"
)

// An update of a key is two records that follow each other in the source and lie in two
// partitions of the topic. Lanes bring them together: a partition is not read past one half
// until the other half is at hand, so that both are in one batch, and no other partition is
// far ahead or behind. Since each partition has the source's order, two halves never wait
// behind each other; what a half that waits waits for comes, unless the topic does not have
// it. Then the half goes on alone (moves.go).

// alone is how much newer the records of other partitions must be before a half gives up to
// wait, and how long it waits at their ends.
const alone = 10 * time.Second

// lane is what was polled of a partition and is not in a batch yet.
type lane struct {
	topic     string
	partition int32
	queue     []*kgo.Record
	last      time.Time // of the last record taken

	half   *half // at the head of the queue, waiting
	since  time.Time
	paused bool
}

// half is one record of an update of a key.
type half struct {
	cdc.Move
	gone bool
}

// halfOf tells whether a record is one.
func halfOf(rec *kgo.Record) *half {
	for _, h := range rec.Headers {
		if len(h.Key) > 14 && (h.Key[11:] == "oldkey" || h.Key[11:] == "newkey") {
			if move, gone, ok := cdc.MoveOf(recordOf(rec)); ok {
				return &half{move, gone}
			}
			return nil
		}
	}
	return nil
}

// push puts polled records into their lanes.
func (r *run) push(fetches kgo.Fetches) {
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if len(p.Records) == 0 {
			return
		}
		l := r.lane(p.Topic, p.Partition)
		l.queue = append(l.queue, p.Records...)
	})
}

func (r *run) lane(topic string, partition int32) *lane {
	for _, l := range r.lanes {
		if l.partition == partition && l.topic == topic {
			return l
		}
	}
	l := &lane{topic: topic, partition: partition}
	r.lanes = append(r.lanes, l)
	return l
}

// pump takes what can be taken from the lanes.
func (r *run) pump(running context.Context, batches chan<- *batch) error {
	for moved := true; moved; {
		moved = false
		for _, l := range r.lanes {
			took, err := r.drain(running, l, batches)
			if err != nil {
				return err
			}
			moved = moved || took
		}
		if !moved {
			if l := r.forsaken(); l != nil {
				moved = true
				if err := r.release(running, 1, batches, l); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// drain takes records from a lane up to a half whose other half is not there.
func (r *run) drain(running context.Context, l *lane, batches chan<- *batch) (moved bool, err error) {
	for len(l.queue) > 0 {
		if l.half == nil && r.options.Mode == cdc.Upsert {
			if l.half = halfOf(l.queue[0]); l.half != nil {
				l.since = r.options.Clock()
			}
		}
		if l.half == nil {
			err = r.release(running, 1, batches, l)
		} else if n := l.both(); n > 0 {
			err = r.release(running, n, batches, l)
		} else if other := r.partner(l); other != nil {
			first, second := l, other
			if other.half.gone {
				first, second = other, l
			}
			err = r.release(running, 1, batches, first, second)
		} else {
			if !l.paused && (!l.half.gone || len(l.queue) > 2) {
				l.paused = true
				r.source.pause(l.topic, l.partition)
			}
			return moved, nil
		}
		if err != nil {
			return moved, err
		}
		moved = true
	}
	return moved, nil
}

// both tells how many records a lane has up to the other half of its head, if that is behind
// it in the same partition: a tombstone may lie between.
func (l *lane) both() int {
	if !l.half.gone {
		return 0
	}
	for n := 1; n < min(3, len(l.queue)); n++ {
		if h := halfOf(l.queue[n]); h != nil && !h.gone && h.Move == l.half.Move {
			return n + 1
		}
	}
	return 0
}

// partner finds the lane that waits for the half that a lane waits with.
func (r *run) partner(l *lane) *lane {
	i := slices.IndexFunc(r.lanes, func(o *lane) bool {
		return o.half != nil && o.half.gone != l.half.gone && o.half.Move == l.half.Move
	})
	if i < 0 {
		return nil
	}
	return r.lanes[i]
}

// forsaken finds a lane that waits for nothing: the oldest half of those that wait, if no
// other partition can have the other half.
func (r *run) forsaken() *lane {
	var oldest *lane
	for _, l := range r.lanes {
		if l.half != nil && (oldest == nil || l.queue[0].Timestamp.Before(oldest.queue[0].Timestamp)) {
			oldest = l
		}
	}
	if oldest == nil {
		return nil
	}
	waited := r.options.Once || r.options.Clock().Sub(oldest.since) >= alone
	for topic, t := range r.at.Topics {
		for p, next := range t.Next {
			l := r.lane(topic, p)
			switch {
			case l.half != nil && l != oldest:
			case next+int64(len(l.queue)) >= r.high[topic][p] && waited:
			case l == oldest && len(l.queue) > 2 || l == oldest && !l.half.gone:
			case l.last.After(oldest.queue[0].Timestamp.Add(alone)):
			default:
				return nil
			}
		}
	}
	return oldest
}

// release takes the first n records of lanes into one batch.
func (r *run) release(running context.Context, n int, batches chan<- *batch, lanes ...*lane) error {
	for _, l := range lanes {
		l.half = nil
		if l.paused {
			l.paused = false
			r.source.resume(l.topic, l.partition)
		}
		for _, rec := range l.queue[:n] {
			if err := r.take(running, rec, batches); err != nil {
				return err
			}
			l.last = rec.Timestamp
		}
		l.queue = l.queue[n:]
		if len(l.queue) == 0 {
			l.queue = nil
		}
	}
	if r.decoder.Rows() >= r.options.MaxRows || r.decoder.Bytes() >= r.options.MaxBytes {
		return r.seal(running, batches, false)
	}
	return nil
}
