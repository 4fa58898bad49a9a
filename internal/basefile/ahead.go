package basefile

import (
	"iter"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
)

// Ahead makes the next batch while the consumer is at one.
func Ahead(rows iter.Seq2[arrow.RecordBatch, error]) iter.Seq2[arrow.RecordBatch, error] {
	type result struct {
		batch arrow.RecordBatch // retained for the receiver
		err   error
	}
	return func(yield func(arrow.RecordBatch, error) bool) {
		results, over := make(chan result), make(chan struct{})
		var reading sync.WaitGroup
		reading.Go(func() {
			defer close(results)
			for batch, err := range rows {
				if batch != nil {
					batch.Retain()
				}
				select {
				case results <- result{batch, err}:
				case <-over:
					if batch != nil {
						batch.Release()
					}
					return
				}
			}
		})
		defer reading.Wait()
		defer close(over)
		for r := range results {
			more := yield(r.batch, r.err)
			if r.batch != nil {
				r.batch.Release()
			}
			if !more {
				return
			}
		}
	}
}
