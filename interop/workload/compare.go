package workload

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// LostValue names values that do not survive the way from the database to the topic: no reader of the topic can give them
// back. Where a type has such values, a Database lists them, and nothing else may differ.
type LostValue struct {
	Column string
	Match  func(want any) bool
	Why    string
}

// is matches one value.
func is(value any) func(any) bool { return func(want any) bool { return want == value } }

// Result of a comparison. Every line names table, key and column.
type Result struct {
	Rows  int      // compared
	Diffs []string // what must not be
	Lost  []string // values that are known to be lost and differ
}

// Compare compares the rows of a source table with those of a Hudi table made from it, in the encoding of hudictl query
// --output jsonl (Spark's server: interop.Contract). Columns that begin with an underscore are not the source's.
func Compare(table Table, want, got []map[string]any) (Result, error) {
	wanted, err := byKey(table, want)
	if err != nil {
		return Result{}, fmt.Errorf("source: %w", err)
	}
	found, err := byKey(table, got)
	if err != nil {
		return Result{}, err
	}
	var r Result
	for _, key := range sortedKeys(wanted) {
		row, ok := found[key]
		if !ok {
			r.Diffs = append(r.Diffs, fmt.Sprintf("%s %s: missing", table.Name, key))
			continue
		}
		r.Rows++
		r.compareRow(table, key, wanted[key], row)
	}
	for _, key := range sortedKeys(found) {
		if _, ok := wanted[key]; !ok {
			r.Diffs = append(r.Diffs, fmt.Sprintf("%s %s: not in the source", table.Name, key))
		}
	}
	return r, nil
}

func (r *Result) compareRow(table Table, key string, want, got map[string]any) {
	for _, c := range table.Columns {
		value, ok := got[c.Name]
		if !ok {
			r.Diffs = append(r.Diffs, fmt.Sprintf("%s %s: column %s is missing", table.Name, key, c.Name))
			continue
		}
		w, werr := c.canonicalSource(want[c.Name])
		g, gerr := c.canonical(value)
		if werr == nil && gerr == nil && w == g {
			continue
		}
		line := fmt.Sprintf("%s %s: %s is %s, the source has %s", table.Name, key, c.Name, shown(value), shown(want[c.Name]))
		if why, lost := table.lostValue(c.Name, want[c.Name]); lost {
			r.Lost = append(r.Lost, line+" ("+why+")")
			continue
		}
		for _, err := range []error{werr, gerr} {
			if err != nil {
				line += ": " + err.Error()
			}
		}
		r.Diffs = append(r.Diffs, line)
	}
	for name := range got {
		if !strings.HasPrefix(name, "_") && !slices.ContainsFunc(table.Columns, func(c Column) bool { return c.Name == name }) {
			r.Diffs = append(r.Diffs, fmt.Sprintf("%s %s: column %s is not in the source", table.Name, key, name))
		}
	}
}

func (t Table) lostValue(column string, want any) (why string, lost bool) {
	for _, l := range t.lost {
		if l.Column == column && l.Match(want) {
			return l.Why, true
		}
	}
	return "", false
}

// canonicalSource is the canonical text of a dumped value.
func (c Column) canonicalSource(v any) (string, error) {
	if text, ok := v.(string); ok && c.Kind == Bits {
		return littleEndian(text), nil
	}
	return c.canonical(v)
}

// canonical is a text that is equal for equal values, however they were written.
func (c Column) canonical(v any) (string, error) {
	if v == nil {
		return "null", nil
	}
	if c.Array {
		list, ok := v.([]any)
		if !ok {
			return "", fmt.Errorf("not an array")
		}
		element := c
		element.Array = false
		texts := make([]string, len(list))
		for i, e := range list {
			text, err := element.canonical(e)
			if err != nil {
				return "", fmt.Errorf("element %d: %w", i, err)
			}
			texts[i] = strconv.Quote(text)
		}
		return "[" + strings.Join(texts, ",") + "]", nil
	}
	switch v := v.(type) {
	case bool:
		if c.Kind == Bool {
			return strconv.FormatBool(v), nil
		}
	case json.Number:
		switch c.Kind {
		case Int, Interval, Time:
			return v.String(), nil
		case Float:
			return number(v.String())
		}
	case string:
		switch c.Kind {
		case Float:
			return number(v)
		case Text, Decimal, Bytes, Bits, Date:
			return v, nil
		case Number:
			if strings.Contains(v, ".") {
				v = strings.TrimSuffix(strings.TrimRight(v, "0"), ".")
			}
			return v, nil
		case Time:
			return microsOfDay(v)
		case Local:
			return moment(v)
		case Instant:
			return instant(v)
		}
	case map[string]any:
		if c.Kind == Point {
			x, xerr := number(fmt.Sprint(v["x"]))
			y, yerr := number(fmt.Sprint(v["y"]))
			return x + "," + y, errors.Join(xerr, yerr)
		}
	}
	return "", fmt.Errorf("a %T where the column has another type", v)
}

func number(text string) (string, error) {
	f, err := strconv.ParseFloat(text, 64)
	return strconv.FormatFloat(f, 'g', -1, 64), err
}

// moment gives a time six fraction digits and a T.
func moment(text string) (string, error) {
	if strings.ContainsAny(text, "Z+") {
		return "", fmt.Errorf("a time zone where the column has none")
	}
	whole, fraction, _ := strings.Cut(text, ".")
	return whole + "." + (fraction + "000000")[:6], nil
}

func instant(text string) (string, error) {
	local, utc := strings.CutSuffix(text, "Z")
	if !utc {
		if local, utc = strings.CutSuffix(text, "+00:00"); !utc {
			return "", fmt.Errorf("not in UTC")
		}
	}
	return moment(local)
}

func microsOfDay(text string) (string, error) {
	clock, fraction, _ := strings.Cut(text, ".")
	var h, m, s, micros int64
	if _, err := fmt.Sscanf(clock, "%d:%d:%d", &h, &m, &s); err != nil {
		return "", err
	}
	if _, err := fmt.Sscanf((fraction + "000000")[:6], "%d", &micros); err != nil {
		return "", err
	}
	return strconv.FormatInt((h*3600+m*60+s)*1_000_000+micros, 10), nil
}

// littleEndian is a bit string's bytes, least significant first, in base64.
func littleEndian(bits string) string {
	out := make([]byte, (len(bits)+7)/8)
	for i := range len(bits) {
		if bits[len(bits)-1-i] == '1' {
			out[i/8] |= 1 << (i % 8)
		}
	}
	return base64.StdEncoding.EncodeToString(out)
}

func byKey(table Table, rows []map[string]any) (map[string]map[string]any, error) {
	out := make(map[string]map[string]any, len(rows))
	for _, row := range rows {
		parts := make([]string, len(table.Keys))
		for i, k := range table.Keys {
			parts[i] = fmt.Sprint(row[k])
		}
		key := strings.Join(parts, ",")
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("%s %s: two rows", table.Name, key)
		}
		out[key] = row
	}
	return out, nil
}

func sortedKeys(m map[string]map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func shown(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(text) > 120 {
		return string(text[:120]) + "…"
	}
	return string(text)
}
