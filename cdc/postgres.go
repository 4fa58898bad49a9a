package cdc

import "fmt"

// postgres orders by the log sequence number of the change. Rows of one transaction have
// increasing numbers, and rows of one key are ordered by them; rows of incremental snapshots
// have none.
var postgres = &connector{
	name:   "postgresql",
	column: "_event_lsn",
	position: func(b []byte, src *sourceBlock) (int64, bool, error) {
		lsn := src.text(b, srcLSN)
		if lsn == nil {
			if string(src.text(b, srcSnapshot)) == "incremental" {
				return 0, false, nil
			}
			return 0, false, fmt.Errorf("source.lsn is null: %w", ErrNoOrder)
		}
		n, ok := parseInt(lsn)
		if !ok {
			return 0, false, fmt.Errorf("source.lsn is no long: %w", ErrMalformed)
		}
		return n, true, nil
	},
}
