package interop_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/query"
)

// question is asked of Spark and of us.
type question struct {
	name   string
	ours   query.Options
	theirs interop.Read
}

// questions are all that a table is asked.
func (r *randomRun) questions() []question {
	read := interop.Read{Path: r.ours.path, Meta: true, Encoding: interop.Contract}
	out := []question{{"snapshot", query.Options{Meta: true}, read}}
	if r.table.Kind == interop.MOR {
		out = append(out, question{"read optimized", query.Options{Meta: true, View: query.ReadOptimized}, read.ReadOptimized()})
	}
	for _, i := range r.writes {
		out = append(out, question{"as of " + i.requested, query.Options{Meta: true, AsOf: i.requested}, read.AsOf(i.requested)})
	}
	var bounds []string
	for _, i := range r.completed() {
		if r.table.Version < 8 {
			bounds = append(bounds, i.requested)
		} else {
			bounds = append(bounds, i.completed)
		}
	}
	slices.Sort(bounds)
	ranges := [][2]string{{"000", ""}}
	for i, end := range bounds {
		begin := "000"
		if i > 0 {
			begin = bounds[i-1]
			ranges = append(ranges, [2]string{"000", end})
		}
		ranges = append(ranges, [2]string{begin, end})
	}
	for _, bounds := range ranges {
		theirs := read.Incremental(bounds[0], bounds[1])
		if r.spark.Release == interop.Hudi102 {
			theirs = theirs.FromInclusive()
		}
		out = append(out, question{
			fmt.Sprintf("incremental (%s, %s]", bounds[0], bounds[1]),
			query.Options{Meta: true, View: query.Incremental, Begin: bounds[0], End: bounds[1]}, theirs,
		})
	}
	return out
}

// ask compares all answers.
func (r *randomRun) ask() {
	r.t.Helper()
	questions := r.questions()
	reads := make([]interop.Read, len(questions))
	for i, q := range questions {
		reads[i] = q.theirs
	}
	for i, answer := range r.spark.Reads(r.t, reads) {
		if report := r.compare(questions[i], answer); report != "" {
			r.t.Errorf("%s:\n%s", questions[i].name, report)
		}
	}
}

// compare tells how our answer differs from Spark's, "" not at all.
func (r *randomRun) compare(q question, theirs interop.Answer) string {
	mine, err := r.ours.tryRead(r.t, q.ours)
	switch {
	case err != nil && theirs.Problem != nil:
		return ""
	case err != nil:
		return fmt.Sprintf("  we: %v\n  Spark has %d rows", err, len(theirs.Rows.Rows))
	case theirs.Problem != nil:
		return fmt.Sprintf("  Spark: %s\n  we have %d rows", theirs.Problem.Text, len(mine))
	}
	return first(difference("Spark", r.canonical(theirs.Rows.Rows), "ours", r.canonical(mine)), 12)
}

// first are the first lines of a text.
func first(text string, n int) string {
	lines := strings.SplitAfterN(text, "\n", n+1)
	if len(lines) <= n {
		return text
	}
	return strings.Join(lines[:n], "") + fmt.Sprintf("  and %d more\n", strings.Count(lines[n], "\n"))
}

// canonical are rows in one form, as sorted lines: numbers that are equal look alike, and values of partition columns are texts without
// escapes, as Spark takes them from folders' names.
func (r *randomRun) canonical(rows []map[string]any) []string {
	out := make([]map[string]any, len(rows))
	for i, row := range rows {
		row = maps.Clone(row)
		delete(row, "_hoodie_commit_seqno")
		delete(row, "_hoodie_file_name")
		for name, value := range row {
			row[name] = canonicalValue(value)
		}
		for _, name := range r.table.PartitionBy {
			row[name] = folderText(row[name])
		}
		out[i] = row
	}
	return lines(out)
}

func canonicalValue(v any) any {
	switch v := v.(type) {
	case json.Number:
		if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil && v != "-0" {
			return v
		}
		f, err := v.Float64()
		if err != nil {
			return v
		}
		return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = canonicalValue(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name := range v {
			out[name] = canonicalValue(v[name])
		}
		return out
	}
	return v
}

// folderText is the value of a partition column as text; the empty text is null.
func folderText(v any) any {
	if v == nil || v == "" {
		return nil
	}
	folder := fmt.Sprint(v)
	if text, err := url.PathUnescape(folder); err == nil {
		return text
	}
	return folder
}
