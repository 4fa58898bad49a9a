// Package pingpong makes up sequences of operations on one table, each done by us or by Spark, together with a model of what the table
// must then contain. All of it follows from a seed and from which operations the engines refuse. It runs nothing: interop's TestPingPong
// has the two engines carry the steps out and asks both.
//
// A sequence keeps clear of what no model can know because it depends on the files that rows happen to be in: after a delete a key's
// rows are not older than all that it ever had, for instance (docs/format/merging.md, D6). The rest is at random.
package pingpong

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/interop/randomtable"
)

// Actor is who does a step.
type Actor string

// The two.
const (
	Ours  Actor = "ours"
	Spark Actor = "spark"
)

// Table types as Spark's writer names them.
const (
	cow = "COPY_ON_WRITE"
	mor = "MERGE_ON_READ"
)

// Sequence is a table and what is done to it.
type Sequence struct {
	Seed    int
	Table   *randomtable.Table
	Creator Actor
	Model   *Model

	r       *rand.Rand
	rules   rules
	alone   bool
	planned *plan // the compaction on the timeline
	last    Step  // that was done
	steps   int
}

// plan is a compaction that is on the timeline.
type plan struct {
	instant string
	point   int // of the model: what had completed by then
}

// New makes up the table of a seed. Seeds that follow each other have other versions, types, metadata tables, creators, and of what is rare
// in tables one thing.
func New(seed int) *Sequence {
	version, kind := []int{9, 6, 8}[seed%3], []string{cow, mor}[seed/3%2]
	metadata := (seed/6+seed)%2 == 0
	t := randomtable.Lay(seed, version, kind, func(t *randomtable.Table) bool {
		return t.Metadata == metadata && refusal(t) == "" && special(t, seed/12+seed%6)
	})
	if !metadata {
		t.Options["hoodie.metadata.enable"] = "false"
	}
	s := &Sequence{
		Seed: seed, Table: t, Creator: []Actor{Ours, Spark}[(seed/12+seed%6/2)%2], rules: rulesOf(t),
		r: rand.New(rand.NewPCG(uint64(seed), 0x7069_6e67)),
	}
	if t.Option("index.type") == "GLOBAL_SIMPLE" && s.chance(50) {
		t.Options["hoodie.index.type"] = "GLOBAL_BLOOM"
	}
	if t.Option("index.type") == "RECORD_INDEX" {
		t.Options["hoodie.record.index.update.partition.path"] = "true"
	}
	s.Model = newModel(t, s.rules)
	return s
}

// Alone makes up the table of a seed, on which we do everything.
func Alone(seed int) *Sequence {
	s := New(seed)
	s.Creator, s.alone = Ours, true
	return s
}

// refusal tells what our writer cannot do with a table, "" for nothing. Who lifts a limit takes it out here.
func refusal(t *randomtable.Table) string {
	switch {
	case !t.MetaFields() && t.Kind == mor && t.Version < 9: // nor can the releases of the version
		return "no meta fields in logs"
	case t.Option("datasource.write.drop.partition.columns") == "true":
		return "partition columns dropped"
	case !slices.Contains([]string{"Simple", "Complex", "Nonpartitioned"}, t.KeyGenerator()):
		return "key generator"
	case !slices.Contains([]string{"BLOOM", "SIMPLE", "BUCKET", "GLOBAL_SIMPLE", "RECORD_INDEX"}, t.Option("index.type")):
		return "index"
	case t.Version > 6 && t.Option("logfile.data.block.format") == "parquet" && len(t.Ordering) > 0 && t.Column(t.Ordering[0]).Type.DDL == "string":
		return "texts in Parquet logs that rows are ordered by" // Spark merges them wrongly (docs/compat.md)
	}
	return ""
}

// special tells whether a table has what every third is to have, and every other third: without a metadata table no meta fields, or change
// logs; with one statistics, or a record index.
func special(t *randomtable.Table, n int) bool {
	bare := t.Kind == cow || t.Version == 9
	switch n %= 3; {
	case n == 0 && t.Metadata:
		return t.Option("metadata.index.column.stats.enable") == "true"
	case n == 0:
		return t.MetaFields() != bare
	case n == 1 && t.Metadata:
		return t.Option("metadata.record.index.enable") == "true"
	case n == 1:
		return t.CDC
	}
	return true
}

func (s *Sequence) String() string {
	metadata := "no metadata table"
	if s.Table.Metadata {
		metadata = "metadata table"
	}
	return fmt.Sprintf("%s, %s, made by %s", s.Table, metadata, s.Creator)
}

// Name is the kind of table, short.
func (s *Sequence) Name() string {
	name := fmt.Sprintf("pingpong-v%d-%s", s.Table.Version, map[string]string{cow: "cow", mor: "mor"}[s.Table.Kind])
	if s.Table.Metadata {
		name += "-metadata"
	}
	return fmt.Sprintf("%s-%s", name, s.Creator)
}

// global tells whether a record has one row in all partitions.
func global(t *randomtable.Table) bool {
	return strings.HasPrefix(t.Option("index.type"), "GLOBAL_") || t.Option("index.type") == "RECORD_INDEX"
}

// bucket tells whether the table has the bucket index.
func (s *Sequence) bucket() bool { return s.Table.Option("index.type") == "BUCKET" }

func (s *Sequence) chance(percent int) bool { return s.r.IntN(100) < percent }

func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// Next chooses the next step.
func (s *Sequence) Next() Step {
	before := slices.Clone(s.Table.Columns)
	step := s.next()
	step.before = before
	return step
}

func (s *Sequence) next() Step {
	if s.steps == 0 {
		return s.first()
	}
	if s.last.then != nil {
		return s.last.then(s)
	}
	var total int
	for _, k := range kinds {
		total += k.weight
	}
	for {
		n := s.r.IntN(total)
		k := kinds[0]
		for _, k = range kinds {
			if n -= k.weight; n < 0 {
				break
			}
		}
		who := pick(s.r, Ours, Spark)
		if k.who != "" {
			who = k.who
		}
		if s.alone && k.who == Spark {
			continue
		}
		if s.alone {
			who = Ours
		}
		if step, ok := k.make(s, who); ok {
			step.Kind, step.Who = k.name, who
			return step
		}
	}
}

// first fills the table.
func (s *Sequence) first() Step {
	op := pick(s.r, "insert", "upsert", "bulk_insert")
	step := s.write(op, s.fresh(20+s.r.IntN(40)))
	step.Kind, step.Who = op, s.Creator
	return step
}

// Done says that a step was carried out: at is the write or the service that is now on the timeline, the zero Instant when there is none.
func (s *Sequence) Done(step Step, at Instant) {
	if step.effect != nil {
		step.effect(at)
	}
	s.last = step
	s.steps++
}
