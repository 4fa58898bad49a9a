package main

import (
	"cmp"
	"fmt"

	"github.com/hudi-go/hudi-go/query"
)

// explainLine is a line of query --explain: a file slice, or a partition or slice that is passed over.
type explainLine struct {
	Partition     string   `json:"partition"`
	Skipped       bool     `json:"skipped,omitempty"`
	FileID        string   `json:"fileId,omitempty"`
	BaseFile      string   `json:"baseFile,omitempty"`
	LogFiles      []string `json:"logFiles,omitempty"`
	RowGroups     int      `json:"rowGroups"`
	KeptRowGroups int      `json:"keptRowGroups"`
	Rows          int64    `json:"rows"`
	KeptRows      int64    `json:"keptRows"`
	Bytes         int64    `json:"bytes"`
	Reason        string   `json:"reason,omitempty"`
}

// printExplanation writes what a query would read: first what is passed over, then the slices.
func (a *app) printExplanation(e *query.Explanation, format string) error {
	var lines []explainLine
	for _, s := range e.Skipped {
		lines = append(lines, explainLine{Partition: s.Partition, Skipped: true, Reason: s.Reason})
	}
	for _, s := range e.SkippedSlices {
		lines = append(lines, explainLine{Partition: s.Partition, FileID: s.FileID, Skipped: true, Reason: s.Reason})
	}
	var total, kept, bytes int64
	for _, s := range e.Slices {
		lines = append(lines, explainLine{
			Partition: s.Partition, FileID: s.FileID, BaseFile: s.BaseFile, LogFiles: s.LogFiles, RowGroups: s.RowGroups,
			KeptRowGroups: s.KeptGroups, Rows: s.Rows, KeptRows: s.KeptRows, Bytes: s.Bytes, Reason: s.Reason,
		})
		total, kept, bytes = total+s.Rows, kept+s.KeptRows, bytes+s.Bytes
	}
	if format != outputTable {
		return printList(a, outputJSON, lines, nil, nil)
	}
	columns := []string{"partition", "file group", "logs", "row groups", "rows", "to read", "why"}
	err := printList(a, outputTable, lines, columns, func(l explainLine) []string {
		if l.Skipped {
			return []string{l.Partition, cmp.Or(l.FileID, "-"), "-", "-", "-", "nothing", l.Reason}
		}
		return []string{l.Partition, l.FileID, fmt.Sprint(len(l.LogFiles)), fmt.Sprintf("%d of %d", l.KeptRowGroups, l.RowGroups),
			fmt.Sprintf("%d of %d", l.KeptRows, l.Rows), humanBytes(l.Bytes), l.Reason}
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s, %d of %d rows in base files, %s to read; %s and %s passed over\n",
		plural(int64(len(e.Slices)), "file slice", "file slices"), kept, total, humanBytes(bytes),
		plural(int64(len(e.Skipped)), "partition", "partitions"), plural(int64(len(e.SkippedSlices)), "other slice", "other slices"))
	return err
}
