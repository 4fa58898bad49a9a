package cdc

import "fmt"

// postgres orders by the log sequence number of the change. Rows of one transaction have
// increasing numbers, and rows of one key are ordered by them; rows of incremental snapshots
// have none.
var postgres = &connector{
	name:   "postgresql",
	column: "_event_lsn",
	position: func(b []byte, src *sourceBlock) (int64, bool, error) {
		lsn := src[srcLSN]
		if lsn.null(b) {
			if s := src[srcSnapshot]; s.isString(b) && string(b[s.start:s.end]) == `"incremental"` {
				return 0, false, nil
			}
			return 0, false, fmt.Errorf("source.lsn is null: %w", ErrNoOrder)
		}
		n, ok := parseInt(b[lsn.start:lsn.end])
		if !ok {
			return 0, false, fmt.Errorf("source.lsn is no long: %w", ErrMalformed)
		}
		return n, true, nil
	},
}
