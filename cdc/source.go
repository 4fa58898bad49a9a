package cdc

import (
	"fmt"

	"github.com/hudi-go/hudi-go/internal/base"
)

// The source block says where an event comes from. A connector is what differs between
// Debezium's connectors: the fields that make an event's position, and how.
type connector struct {
	name string
	// column is the ordering column.
	column string
	// position computes the position of an event. ok is false for events that have none: the rows
	// of incremental snapshots.
	position func(b []byte, src *sourceBlock) (position int64, ok bool, err error)
}

// The fields of source blocks that some connector reads.
const (
	srcConnector = iota
	srcTime
	srcSnapshot
	srcLSN
	numSource
)

var sourceFields = []string{srcConnector: "connector", srcTime: "ts_ms", srcSnapshot: "snapshot", srcLSN: "lsn"}

// sourceBlock is the places of those fields.
type sourceBlock [numSource]value

var connectors = []*connector{postgres}

// connectorOf finds the connector of an event.
func connectorOf(b []byte, src *sourceBlock) (*connector, error) {
	v := src[srcConnector]
	if !v.isString(b) {
		return nil, fmt.Errorf("no source.connector: %w", ErrMalformed)
	}
	name := string(b[v.start+1 : v.end-1])
	for _, c := range connectors {
		if c.name == name {
			return c, nil
		}
	}
	return nil, fmt.Errorf("events of the connector %q: %w", name, base.ErrUnsupported)
}
