package interop_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/interop/pingpong"
	"github.com/hudi-go/hudi-go/query"
)

// expected is a question whose answer the model knows.
type expected struct {
	question
	want  pingpong.Bounds
	whole bool // all columns are known, else keys and commits

	changes []map[string]any // of the CDC view
	unknown bool             // to the model: the engines are compared
}

// ask asks both engines about the table after a step: for its rows now and what the step changed, and some other questions.
func (p *pingPong) ask() {
	p.t.Helper()
	p.steps++
	r := rand.New(rand.NewPCG(uint64(p.table.Seed), uint64(p.steps)))
	questions, more := p.now(), p.where(r)
	bounds, points := p.bounds(), p.seq.Model.Points
	if n := len(bounds); n > 1 {
		questions = append(questions, p.between(bounds[n-2], bounds[n-1])...)
		i := r.IntN(n - 1)
		more = append(more, p.past(points[r.IntN(len(points))]))
		more = append(more, p.between(bounds[i], bounds[i+1+r.IntN(n-i-1)])...)
	}
	r.Shuffle(len(more), func(i, j int) { more[i], more[j] = more[j], more[i] })
	p.answer(append(questions, more[:min(2, len(more))]...))
	p.validate(p.steps%4 == 0)
}

// askAll asks for the table as of all that ever was, and for some of the ranges: those of each write were asked for after it.
func (p *pingPong) askAll() {
	p.t.Helper()
	r := rand.New(rand.NewPCG(uint64(p.table.Seed), 0))
	questions := append(p.now(), p.where(r)...)
	for _, point := range p.seq.Model.Points {
		questions = append(questions, p.past(point))
	}
	bounds := p.bounds()
	for range min(3, len(bounds)-1) {
		i := r.IntN(len(bounds) - 1)
		questions = append(questions, p.between(bounds[i], bounds[i+1])...)
	}
	questions = append(questions, p.between(bounds[0], "")...)
	p.answer(questions)
	p.validate(true)
}

func (p *pingPong) read() interop.Read {
	read := interop.Read{Path: p.ours.path, Meta: true, Encoding: interop.Contract, Options: map[string]string{}}
	if p.table.Metadata {
		read.Options["hoodie.metadata.enable"] = "true"
		read.Options["hoodie.enable.data.skipping"] = "true"
	}
	return read
}

// now are the questions for all rows that there are.
func (p *pingPong) now() []expected {
	m := p.seq.Model
	out := []expected{{question: question{name: "snapshot", ours: query.Options{Meta: true}, theirs: p.read(), atHudi120: p.read()}, want: pingpong.Exactly(m.Snapshot()), whole: true}}
	if p.table.Kind == interop.MOR {
		theirs := p.read().ReadOptimized()
		out = append(out, expected{
			question: question{name: "read optimized", ours: query.Options{Meta: true, View: query.ReadOptimized}, theirs: theirs, atHudi120: theirs},
			want:     m.ReadOptimized(), whole: true,
		})
	}
	return out
}

// where are questions for some of the rows.
func (p *pingPong) where(r *rand.Rand) []expected {
	var out []expected
	for _, c := range p.seq.Conditions(r) {
		theirs := p.read()
		theirs.Where = c.Where
		out = append(out, expected{
			question: question{name: "snapshot where " + c.Where, ours: query.Options{Meta: true, Where: c.Where}, theirs: theirs, atHudi120: theirs},
			want:     pingpong.Exactly(c.Of(p.seq.Model.Snapshot())), whole: true,
		})
	}
	return out
}

func (p *pingPong) past(at *pingpong.Point) expected {
	theirs := p.read().AsOf(at.Requested)
	return expected{
		question: question{name: "as of " + at.Requested, ours: query.Options{Meta: true, AsOf: at.Requested}, theirs: theirs, atHudi120: theirs},
		want:     pingpong.Exactly(p.seq.Model.At(at)), whole: true,
	}
}

// between are the questions for a range, which rows without meta fields do not answer.
func (p *pingPong) between(begin, end string) []expected {
	if !p.table.MetaFields() {
		return nil
	}
	theirs := p.read().Incremental(begin, end)
	newer := theirs
	if p.spark != nil && p.spark.Release == interop.Hudi102 {
		theirs = theirs.FromInclusive()
	}
	q := question{
		name: fmt.Sprintf("incremental (%s, %s]", begin, end), ours: query.Options{Meta: true, View: query.Incremental, Begin: begin, End: end},
		theirs: theirs, begin: begin, atHudi120: newer,
	}
	want, whole := p.seq.Model.Incremental(begin, end)
	out := []expected{{question: q, want: want, whole: whole}}
	if p.table.CDC {
		q.name = "changes" + strings.TrimPrefix(q.name, "incremental")
		q.ours.Meta, q.ours.View = false, query.CDC
		q.theirs, q.atHudi120 = theirs.Changes(), newer.Changes()
		changes, ok := p.seq.Model.Changes(begin, end)
		out = append(out, expected{question: q, changes: p.decoded(changes), unknown: !ok})
	}
	return out
}

// decoded are rows of the model as an engine answers them.
func (p *pingPong) decoded(rows []map[string]any) []map[string]any {
	p.t.Helper()
	out := make([]map[string]any, len(rows))
	for i, row := range rows {
		text, err := json.Marshal(row)
		require.NoError(p.t, err)
		out[i], err = interop.DecodeRow(text)
		require.NoError(p.t, err)
	}
	return out
}

// bounds are the times that bound ranges whose files are all there.
func (p *pingPong) bounds() []string {
	var out []string
	start := "000"
	for _, point := range p.seq.Model.Points {
		if _, err := p.ours.tryRead(p.t, query.Options{AsOf: point.Requested}); errors.Is(err, hudi.ErrCleaned) {
			start, out = "", nil
			continue
		}
		out = append(out, p.seq.Model.Bound(point.Instant))
	}
	slices.Sort(out)
	if start != "" {
		out = append([]string{start}, out...)
	}
	return out
}

// answer compares both engines' answers with the model's.
func (p *pingPong) answer(questions []expected) {
	p.t.Helper()
	reads := make([]interop.Read, len(questions))
	for i, q := range questions {
		reads[i] = q.theirs
	}
	answers := make([]interop.Answer, len(questions))
	if p.spark != nil {
		answers = p.spark.Reads(p.t, reads)
	}
	for i, theirs := range answers {
		p.asked++
		q := questions[i]
		mine, err := p.ours.tryRead(p.t, q.ours)
		if err != nil {
			why := ""
			if p.spark != nil {
				why = p.randomRun.known(q.question, theirs, nil, err)
			}
			if p.spark == nil && errors.Is(err, hudi.ErrCleaned) || why == "refused by both" {
				continue
			}
			p.t.Errorf("%s: we: %v; Spark has %d rows, %v", q.name, err, len(theirs.Rows.Rows), theirs.Problem)
			continue
		}
		wrong := p.check(q, mine)
		if wrong != "" {
			p.t.Errorf("%s: we are not as the model:\n%s", q.name, wrong)
		}
		if p.spark == nil {
			continue
		}
		report := p.compareTo(q, theirs, mine)
		if report == "" {
			continue
		}
		if why := p.randomRun.known(q.question, theirs, mine, nil); why != "" && wrong == "" {
			p.known[why]++
			continue
		}
		p.t.Errorf("%s: Spark:\n%s", q.name, report)
	}
	if p.t.Failed() {
		p.t.FailNow()
	}
}

// compareTo compares Spark's answer with ours and with the model's. Where the model has a choice in a range of version 6, Hudi 0.15.0 makes it
// by the statistics of row groups.
func (p *pingPong) compareTo(q expected, theirs interop.Answer, mine []map[string]any) string {
	if theirs.Problem == nil && q.ours.View == query.Incremental && p.table.Version == 6 && !q.want.Exact() {
		return p.check(q, theirs.Rows.Rows)
	}
	if report := p.compare(q.question, theirs, mine, nil); report != "" {
		return report
	}
	return p.check(q, theirs.Rows.Rows)
}

// check compares an answer with the model's.
func (p *pingPong) check(q expected, got []map[string]any) string {
	switch {
	case q.unknown:
		return ""
	case q.ours.View == query.CDC:
		return first(difference("the model", p.canonicalChanges(q.changes), "the answer", p.canonicalChanges(got)), 6)
	}
	lines := make([]string, len(got))
	for i, row := range p.canonicalRows(got) {
		lines[i] = p.line(row, q.whole)
	}
	return first(q.want.Check(lines, func(row map[string]any) string {
		return p.line(p.canonicalRows(p.decoded([]map[string]any{row}))[0], q.whole)
	}), 6)
}

// line is a row as text, without its nulls: the model does not know columns that came later.
func (p *pingPong) line(row map[string]any, whole bool) string {
	for name, value := range row {
		if value == nil || !whole && !slices.Contains([]string{"_hoodie_commit_time", "_hoodie_record_key", "_hoodie_partition_path"}, name) {
			delete(row, name)
		}
	}
	text, err := json.Marshal(row)
	require.NoError(p.t, err)
	return string(text)
}

// validate has the metadata table compared with the table: by us, and sometimes by Spark.
func (p *pingPong) validate(spark bool) {
	p.t.Helper()
	if !p.table.Metadata {
		return
	}
	tab := p.ours.open(p.t)
	problems, err := tab.Check(p.t.Context())
	require.NoError(p.t, err)
	require.Empty(p.t, problems)
	for _, partition := range p.partitions() {
		require.Contains(p.t, tab.Config().MetadataPartitions, partition)
	}
	if !spark || p.spark == nil {
		return
	}
	wrong := p.spark.SQL(p.t, fmt.Sprintf("CALL validate_metadata_table_files(table => '%s', verbose => false)", p.name()),
		map[string]string{p.name(): p.ours.path}, map[string]string{"hoodie.metadata.enable": "true"})
	require.Empty(p.t, wrong.Rows, "Spark's validation")
}

// partitions are those that the metadata table must have.
func (p *pingPong) partitions() []string {
	out := []string{"files"}
	for option, partition := range map[string]string{
		"index.column.stats.enable": "column_stats", "index.bloom.filter.enable": "bloom_filters", "record.index.enable": "record_index",
	} {
		if p.table.Option("metadata."+option) == "true" {
			out = append(out, partition)
		}
	}
	return out
}
