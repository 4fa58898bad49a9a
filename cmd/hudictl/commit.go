package main

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/cobra"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/rowio"
)

// commitFlags are the flags of commit.
type commitFlags struct {
	op         string
	partitions []string
	index      string
	partial    []string
	input      string
	output     string
}

func newCommit(a *app) *cobra.Command {
	var f commitFlags
	c := &cobra.Command{
		Use:   "commit TABLE [FILE…|-]",
		Short: "Write rows to a table, as one commit",
		Long: "Write the rows of files, or of standard input, to a table, as one commit, and print its instant.\n" +
			"JSON lines and CSV have the types of the table's schema. A column _hoodie_is_deleted marks rows to delete.\n" +
			"insert-overwrite replaces the partitions that the rows belong to, insert-overwrite-table all rows;\n" +
			"delete-partition removes the partitions of the rows, or those that --partition names.",
		Example: "  hudictl commit ./trips --op upsert trips.jsonl more.parquet\n" +
			"  echo '{\"id\":7,\"fare\":3.5}' | hudictl commit ./trips --partial id,fare -\n" +
			"  echo '{\"id\":7}' | hudictl commit ./trips --op delete --input jsonl -\n" +
			"  hudictl commit ./trips --op delete-partition --partition 2026/01/31 --partition '2025/*'",
		Args: func(_ *cobra.Command, args []string) error { return tableArgs(args, len(args)) },
		RunE: func(c *cobra.Command, args []string) error {
			return a.commit(c.Context(), args[0], args[1:], f)
		},
	}
	c.Flags().SortFlags = false
	choiceVar(c.Flags(), &f.op, "op", string(hudi.Upsert), "what to do with the rows",
		[]string{string(hudi.Upsert), string(hudi.Insert), string(hudi.BulkInsert), string(hudi.Delete), string(hudi.InsertOverwrite), string(hudi.InsertOverwriteTable), string(hudi.DeletePartition)})
	c.Flags().StringArrayVar(&f.partitions, "partition", nil, "`path` of a partition to delete, as its folder is named; * stands for any text (repeatable)")
	c.Flags().StringVar(&f.index, "index", "", "`kind` of look-up by which to find rows, if the table does not say: simple, bloom, global-simple, global-bloom or bucket:N")
	c.Flags().StringSliceVar(&f.partial, "partial", nil, "`columns` that the rows of an upsert have, keys and partition columns among them; in rows that are there the others keep their values")
	choiceVar(c.Flags(), &f.input, "input", "", "format of the rows, if a file's extension does not say",
		[]string{string(rowio.JSONL), string(rowio.CSV), string(rowio.Parquet), string(rowio.Avro), string(rowio.Arrow)})
	choiceVar(c.Flags(), &f.output, "output", outputText, "the instant, or the commit's statistics", []string{outputText, outputJSON})
	return c
}

func (a *app) commit(ctx context.Context, uri string, files []string, f commitFlags) error {
	op := hudi.Operation(f.op)
	switch {
	case len(f.partitions) == 0:
	case op != hudi.DeletePartition:
		return usagef("--partition names partitions to delete: use it with --op %s", hudi.DeletePartition)
	case len(files) > 0:
		return usagef("--partition names the partitions to delete, and so do the rows of %s: leave one out", files[0])
	}
	if a.namesPartitions(op, f) && len(files) == 0 {
		return a.commitPartitions(ctx, uri, f)
	}
	in, err := a.rowFiles(files, rowio.Format(f.input))
	if err != nil {
		return err
	}
	if err := a.indexOption(f.index); err != nil {
		return err
	}
	t, err := a.open(ctx, uri)
	if err != nil {
		return err
	}
	if err := in.shape(ctx, t, op, f.partial); err != nil {
		return fmt.Errorf("commit %s: %w", t.URI(), err)
	}
	rows, err := in.open(ctx)
	if err != nil {
		return fmt.Errorf("commit %s: %w", t.URI(), err)
	}
	defer in.close()
	p := a.progress()
	rows.Batches = counted(rows.Batches, p)
	done, err := t.Write(ctx, op, rows, hudi.WriteOptions{Partial: len(f.partial) > 0})
	p.end()
	if err != nil {
		return fmt.Errorf("commit %s: %w", t.URI(), err)
	}
	return a.printResult(f.output, done, "%s", done.Instant)
}

// namesPartitions tells whether partitions are to be deleted that paths name, so that no rows are read.
func (a *app) namesPartitions(op hudi.Operation, f commitFlags) bool {
	return op == hudi.DeletePartition && (len(f.partitions) > 0 || a.globals.options["hoodie.datasource.write.partitions.to.delete"] != "")
}

// commitPartitions deletes partitions that are named by their paths.
func (a *app) commitPartitions(ctx context.Context, uri string, f commitFlags) error {
	t, err := a.open(ctx, uri)
	if err != nil {
		return err
	}
	done, err := t.Write(ctx, hudi.DeletePartition, hudi.Rows{}, hudi.WriteOptions{Partitions: f.partitions})
	if err != nil {
		return fmt.Errorf("commit %s: %w", t.URI(), err)
	}
	return a.printResult(f.output, done, "%s", done.Instant)
}

// indexOption hands --index on as the options that real Hudi has for it.
func (a *app) indexOption(text string) error {
	if text == "" {
		return nil
	}
	index, err := parseIndex(text)
	if err != nil {
		return err
	}
	a.globals.options["hoodie.index.type"] = index.Kind
	if index.Buckets > 0 {
		a.globals.options["hoodie.bucket.index.num.buckets"] = strconv.Itoa(index.Buckets)
	}
	return nil
}

// counted tells how many rows have passed.
func counted(rows iter.Seq2[arrow.RecordBatch, error], p *progress) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		var n int64
		for batch, err := range rows {
			if err == nil {
				n += batch.NumRows()
				p.tell(func(since time.Duration) (string, any) {
					rate := int64(float64(n) / since.Seconds())
					return fmt.Sprintf("%s, %d/s", plural(n, "row", "rows"), rate), map[string]int64{"rows": n, "rowsPerSecond": rate}
				})
			}
			if !yield(batch, err) {
				return
			}
		}
	}
}
