package interop_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/query"
)

// refusal is what both refuse, in Spark's words and as our error, nil for any.
type refusal struct {
	text string
	err  error
}

var refusals = []refusal{
	{"Cleaner cleaned up the timestamp of interest", hudi.ErrCleaned},
	{"Path not found during incremental query", hudi.ErrCleaned},
	{"not supported when meta fields are disabled", nil},
	{"There should be a cdc log file", nil},
	{"NoSuchElementException: key not found", hudi.ErrCorrupt}, // 0.15's MERGE INTO logs keys that it does not write
	{"must be earlier than the first incomplete commit timestamp", nil},
}

// known tells why the two answers may differ, "" when they may not. docs/compat.md lists each reason, under the same name.
func (r *randomRun) known(q question, theirs interop.Answer, mine []map[string]any, err error) string {
	if theirs.Problem != nil {
		for _, refused := range refusals {
			if strings.Contains(theirs.Problem.Text, refused.text) && err != nil && (refused.err == nil || errors.Is(err, refused.err)) {
				return "refused by both"
			}
		}
	}
	if theirs.Problem != nil && err == nil {
		switch {
		case r.table.OnRead && strings.Contains(theirs.Problem.Text, "LongType are incompatible"):
			return "Spark fails on a dropped decimal in a Parquet log"
		case q.ours.View == query.CDC && strings.Contains(theirs.Problem.Text, "(Is a directory)"):
			return "Spark fails on changes in a slice without base file"
		}
	}
	answered := err == nil || errors.Is(err, hudi.ErrCleaned)
	switch {
	case q.begin != "" && q.begin < r.cleaned() && answered:
		return "range reached by the cleaner"
	case q.begin != "" && r.table.Version == 6 && q.begin < r.completed()[0].requested && r.archived() && answered:
		return "range reaches into the archive of version 6"
	}
	return r.elsewhere(q, theirs, mine, err)
}

// elsewhere asks Hudi 1.2.0 what an older release answers otherwise than we do, and tells what that release does when 1.2.0 does as we do.
func (r *randomRun) elsewhere(q question, theirs interop.Answer, mine []map[string]any, err error) string {
	if r.spark.Release == interop.Hudi120 {
		return ""
	}
	q.theirs = q.atHudi120
	newer := interop.SharedSpark(r.t).Reads(r.t, []interop.Read{q.theirs})[0]
	if r.compare(q, newer, mine, err) != "" {
		return ""
	}
	if theirs.Problem != nil {
		return fmt.Sprintf("1.2.0 answers as we do, %s: %.60s", r.spark.Release, theirs.Problem.Text)
	}
	return fmt.Sprintf("1.2.0 answers as we do, %s has other %s", r.spark.Release, r.differing(theirs.Rows.Rows, mine))
}

// differing tells in which columns rows of the same keys differ, with the types of the columns, or that there are other rows.
func (r *randomRun) differing(theirs, mine []map[string]any) string {
	key := func(row map[string]any) string {
		return fmt.Sprint(row["_hoodie_partition_path"], row["_hoodie_record_key"])
	}
	known := map[string]map[string]any{}
	for _, row := range r.canonicalRows(mine) {
		known[key(row)] = row
	}
	columns := map[string]bool{}
	for _, row := range r.canonicalRows(theirs) {
		other, is := known[key(row)]
		if !is || len(theirs) != len(mine) {
			return "rows"
		}
		for _, c := range r.table.Columns {
			if fmt.Sprint(row[c.Name]) != fmt.Sprint(other[c.Name]) {
				columns[c.Type.DDL] = true
			}
		}
	}
	return "values of " + strings.Join(slices.Sorted(maps.Keys(columns)), ", ")
}

// knownSQL tells why Spark SQL fails or answers otherwise, "" for what we do not know.
func (r *randomRun) knownSQL(statement string, problem error, mine []string) string {
	if problem != nil && strings.Contains(problem.Error(), "Can't find ordering fields") {
		return "Spark SQL knows one ordering field"
	}
	if r.spark.Release == interop.Hudi120 {
		return ""
	}
	newer, err := r.sparkSQL(interop.SharedSpark(r.t), statement)
	if err == nil && difference("Spark", newer, "ours", mine) == "" {
		return fmt.Sprintf("1.2.0 answers as we do, %s not, in SQL", r.spark.Release)
	}
	return ""
}

// cleaned is the bound of the last write that cannot be asked for any more, because the cleaner has passed it.
func (r *randomRun) cleaned() string {
	last := ""
	for _, i := range r.writes {
		if _, err := r.ours.tryRead(r.t, query.Options{AsOf: i.requested}); errors.Is(err, hudi.ErrCleaned) {
			last = max(last, r.bound(i))
		}
	}
	return last
}

// archived tells whether writes have left the active timeline.
func (r *randomRun) archived() bool { return len(r.writes) > len(r.completed()) }

// bound is the time of a write by which ranges count.
func (r *randomRun) bound(i instant) string {
	if r.table.Version < 8 {
		return i.requested
	}
	return i.completed
}
