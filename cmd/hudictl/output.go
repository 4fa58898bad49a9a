package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// The values of --output besides the row formats.
const (
	outputTable = "table"
	outputText  = "text"
	outputJSON  = "json"
)

// printJSON writes a value as JSON on one line.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// printResult writes what a command did: as one JSON object, or in words.
func (a *app) printResult(format string, v any, words string, args ...any) error {
	if format == outputJSON {
		return printJSON(a.out, v)
	}
	_, err := fmt.Fprintf(a.out, words+"\n", args...)
	return err
}

// listOutput resolves --output of commands that list things: a table for a person who looks
// on, else JSON.
func (a *app) listOutput(format string) string {
	switch {
	case format != "":
		return format
	case a.outTerminal:
		return outputTable
	}
	return outputJSON
}

// printList writes items, one JSON object a line or one table. columns are the table's
// titles, row the cells of an item.
func printList[T any](a *app, format string, items []T, columns []string, row func(T) []string) (err error) {
	out := bufio.NewWriter(a.out)
	defer func() {
		if flushed := out.Flush(); err == nil {
			err = flushed
		}
	}()
	if format == outputJSON {
		for _, item := range items {
			if err := printJSON(out, item); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, strings.ToUpper(strings.Join(columns, "\t")))
	for _, item := range items {
		fmt.Fprintln(table, strings.Join(row(item), "\t"))
	}
	return table.Flush()
}

// plural writes a number of things.
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
