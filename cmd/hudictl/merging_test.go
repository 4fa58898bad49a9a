package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/goldentest"
)

// ruleTables are the columns of the tables in docs/format/merging.md, and the golden tables.
var ruleTables = map[string]string{
	"Default": "default_mor", "Default, COW": "default_cow", "EventTime": "eventtime_mor",
	"OverwriteWithLatest": "latest_mor", "OverwriteWithLatest, COW": "latest_cow",
	"PartialUpdate": "partial_mor", "OverwriteNonDefaults": "nondefaults_mor", "AWSDms": "dms_mor",
	"PostgresDebezium": "postgres_mor", "MySqlDebezium": "mysql_mor",
}

// ruleCase is how the two versions of a case can be told: by their column v, "" for deletes.
type ruleCase struct {
	older, newer string
	write        int    // that made the newer version; the first is 0
	mysql        string // the key in the table of MySqlDebezium
}

var ruleCases = map[string]ruleCase{
	"late": {older: "base", newer: "late", write: 1}, "tie": {older: "base", newer: "tie", write: 1},
	"new":     {older: "base", newer: "new", write: 1, mysql: "pos"},
	"latedel": {older: "base"}, "tiedel": {older: "base"}, "newdel": {older: "base"}, "uncond": {older: "base"},
	"op":      {older: "base", newer: "d", write: 2},
	"loglate": {older: "one", newer: "two", write: 2, mysql: "logpos"}, "logtie": {older: "one", newer: "two", write: 2},
	"logdel": {older: "one"}, "onlydel": {older: "one"},
	"dellate": {newer: "back", write: 2}, "delnew": {newer: "back", write: 2},
	"uncondlate": {older: "base", newer: "after", write: 4},
	"fill":       {older: "one", newer: "two", write: 2}, "fill2": {older: "one", newer: "two", write: 2}, "only": {older: "one", newer: "two", write: 2},
}

// cellOf says what a row of an answer is, in the words of the document; nil is no row.
func cellOf(key string, row map[string]any, writes []string) string {
	c := ruleCases[key]
	if row == nil {
		return "gone"
	}
	v := row["v"]
	cell := fmt.Sprint("another: ", v)
	switch {
	case v == c.older && c.older != "":
		cell = "older"
		if c.newer != "" && row["_hoodie_commit_time"] == writes[c.write] {
			cell = "older*"
		}
	case v == c.newer, v == c.pos():
		cell = "newer"
	}
	// In these cases one version has a w of its own, and cells tell who gave it to the other.
	own := map[string]string{"fill": "one", "fill2": "two", "only": "one"}[key]
	if own == "" || v == own {
		return cell
	}
	switch row["w"] {
	case "w-one", "w-two":
		cell += " +w"
	case "w-base":
		cell += " +base"
	}
	return cell
}

func (c ruleCase) pos() any {
	if c.mysql == "pos" {
		return "pos"
	}
	return c.newer
}

// byKey are the rows of an answer.
func byKey(t *testing.T, text string) map[any]map[string]any {
	out := map[any]map[string]any{}
	for _, row := range objects(t, text) {
		out[row["_hoodie_record_key"]] = row
	}
	return out
}

// TestMergingDocument goes through the tables of docs/format/merging.md cell by cell: what
// each says is what real Hudi answered of the golden table, and what we answer.
func TestMergingDocument(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "format", "merging.md"))
	require.NoError(t, err)
	version := ""
	var columns []string
	cells := 0
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "### Version "); ok {
			version, columns = v[:1], nil
			continue
		}
		if strings.HasPrefix(line, "## ") {
			version = ""
		}
		if version == "" || !strings.HasPrefix(line, "| ") {
			continue
		}
		var row []string
		for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
			row = append(row, strings.TrimSpace(cell))
		}
		if columns == nil {
			columns = row
			continue
		}
		require.Contains(t, ruleCases, row[0])
		for i, cell := range row[3:] {
			if cell != "·" {
				requireCell(t, version, columns[i+3], row[0], cell)
				cells++
			}
		}
	}
	require.Greater(t, cells, 400, "cells of the document")
}

// answered are the answers to the golden tables of rules: ours, and real Hudi's.
var answered = map[string]*struct {
	ours, real map[any]map[string]any
	snapshot   bool // real is a snapshot, and not as of an earlier write
	writes     []string
}{}

func requireCell(t *testing.T, version, column, key, want string) {
	t.Helper()
	name := "v" + version + "_rules_" + ruleTables[column]
	a := answered[name]
	if a == nil {
		var about struct {
			Operations []struct {
				Instants []struct{ Requested string }
			}
		}
		goldentest.ExpectedJSON(t, name, "table.json", &about)
		answered[name] = new(struct {
			ours, real map[any]map[string]any
			snapshot   bool
			writes     []string
		})
		a = answered[name]
		for _, o := range about.Operations {
			a.writes = append(a.writes, o.Instants[0].Requested)
		}
		a.ours = byKey(t, ok(t, "", "query", goldentest.Unpack(t, name), "--meta"))
		var data []byte
		for _, file := range []string{"snapshot.jsonl", "snapshot_by_1_2_0.jsonl", "as_of_" + a.writes[2] + ".jsonl"} {
			if data, a.snapshot = goldentest.Expected(t, name, file); a.snapshot {
				a.snapshot = !strings.HasPrefix(file, "as_of")
				break
			}
		}
		require.NotEmpty(t, data, name)
		a.real = byKey(t, string(data))
	}
	c := ruleCases[key]
	row := key
	if c.mysql != "" && column == "MySqlDebezium" {
		row = c.mysql
	}
	require.Equal(t, want, cellOf(key, a.ours[row], a.writes), "our answer for %s of %s", row, name)
	if a.snapshot || !slices.Contains([]string{"uncond", "uncondlate", "onlydel"}, key) {
		require.Equal(t, want, cellOf(key, a.real[row], a.writes), "real Hudi's answer for %s of %s", row, name)
	}
}
