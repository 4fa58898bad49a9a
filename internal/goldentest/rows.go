package goldentest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// engineSpecific are the columns in which engines differ for rows out of a log.
var engineSpecific = []string{"_hoodie_commit_seqno", "_hoodie_file_name"}

// RequireRows compares rows, one JSON object a line: want as an expected file has them, got as
// hudictl prints them. Columns of partitionBy, the fields of a table's partitions as table.json
// has them, may have the text of the folder's name in want, as Spark reads them from there.
func RequireRows(t testing.TB, want, got, partitionBy string) {
	t.Helper()
	w, g := rows(t, want), rows(t, got)
	require.Len(t, g, len(w))
	partitions := map[string]bool{}
	for field := range strings.SplitSeq(partitionBy, ",") {
		name, _, _ := strings.Cut(field, ":")
		partitions[strings.TrimSpace(name)] = true
	}
	for i := range w {
		for _, column := range slices.Sorted(maps.Keys(w[i])) {
			value, found := g[i][column]
			require.True(t, found, "row %d has no column %s", i, column)
			if !Same(w[i][column], value) && !(partitions[column] && samePartition(w[i][column], value)) {
				require.Equal(t, w[i][column], value, "row %v: column %s", g[i], column)
			}
		}
		require.Len(t, g[i], len(w[i]), "row %v has other columns than %v", g[i], w[i])
	}
}

// rows reads and sorts them, without the engine's own columns.
func rows(t testing.TB, text string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(text) {
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		row := map[string]any{}
		require.NoError(t, d.Decode(&row), line)
		for _, column := range engineSpecific {
			delete(row, column)
		}
		if _, is := row["op"]; is {
			change(t, row)
		}
		out = append(out, row)
	}
	key := func(row map[string]any) string {
		// Columns that both sides write alike come first, so that both sort alike.
		text, err := json.Marshal(row)
		require.NoError(t, err)
		return fmt.Sprint(row["_hoodie_record_key"], "\x00", row["_hoodie_partition_path"], "\x00", row["id"], "\x00", string(text))
	}
	slices.SortFunc(out, func(a, b map[string]any) int { return strings.Compare(key(a), key(b)) })
	return out
}

// change brings a row of the CDC view to one form: expected files have Spark's ts_ms, and images
// as JSON texts, some with meta columns and some without the columns that are null.
func change(t testing.TB, row map[string]any) {
	t.Helper()
	if ts, is := row["ts_ms"]; is {
		row["ts"] = ts
		delete(row, "ts_ms")
	}
	for _, column := range []string{"before", "after"} {
		if text, is := row[column].(string); is {
			d := json.NewDecoder(strings.NewReader(text))
			d.UseNumber()
			var image any
			require.NoError(t, d.Decode(&image), text)
			row[column] = image
		}
		if image, is := row[column].(map[string]any); is {
			maps.DeleteFunc(image, func(name string, v any) bool { return v == nil || strings.HasPrefix(name, "_hoodie_") })
		}
	}
}

// Same compares a value of an expected file with one that hudictl printed. They differ in the
// form of bytes (hex, base64), of maps (pairs, object) and of floats.
func Same(want, got any) bool {
	switch w := want.(type) {
	case json.Number:
		g, ok := got.(json.Number)
		return ok && sameNumber(w, g)
	case string:
		g, ok := got.(string)
		if !ok || w == g {
			return ok
		}
		binary, err := base64.StdEncoding.DecodeString(g)
		return err == nil && hex.EncodeToString(binary) == w
	case []any:
		switch g := got.(type) {
		case []any:
			return slices.EqualFunc(w, g, Same)
		case map[string]any:
			return len(w) == len(g) && !slices.ContainsFunc(w, func(pair any) bool {
				p, ok := pair.([]any)
				if !ok || len(p) != 2 {
					return true
				}
				key, ok := p[0].(string)
				value, found := g[key]
				return !ok || !found || !Same(p[1], value)
			})
		}
		return false
	case map[string]any:
		g, ok := got.(map[string]any)
		return ok && maps.EqualFunc(w, g, Same)
	}
	return want == got
}

func sameNumber(a, b json.Number) bool {
	if a == b {
		return true
	}
	if _, err := strconv.ParseInt(a.String(), 10, 64); err == nil {
		if _, err := strconv.ParseInt(b.String(), 10, 64); err == nil {
			return false
		}
	}
	x, errX := a.Float64()
	y, errY := b.Float64()
	return errX == nil && errY == nil && x == y
}

func samePartition(want, got any) bool {
	if want == nil {
		return got == "" || got == nil
	}
	folder, value := fmt.Sprint(want), fmt.Sprint(got)
	text, err := url.PathUnescape(folder)
	return got != nil && (folder == value || err == nil && text == value || folder == strings.ReplaceAll(value, "-", "/"))
}
