package cdc

import (
	"bytes"
	"fmt"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// The source block says where an event comes from. A connector is what differs between
// Debezium's connectors: the ordering column, and how the fields of the block make a position.
type connector struct {
	name string
	// column is the ordering column.
	column string
	// position computes the position of an event. ok is false for rows of snapshots that have none.
	position func(b []byte, src *sourceBlock) (position int64, ok bool, err error)
}

// The fields of source blocks that some connector reads.
const (
	srcConnector = iota
	srcTime
	srcSnapshot
	srcLSN
	srcFile
	srcPos
	srcServer
	srcGTID
	numSource
)

var sourceFields = []string{
	srcConnector: "connector", srcTime: "ts_ms", srcSnapshot: "snapshot", srcLSN: "lsn",
	srcFile: "file", srcPos: "pos", srcServer: "server_id", srcGTID: "gtid",
}

// sourceBlock is the places of those fields.
type sourceBlock [numSource]value

// text is a field's text without quotes; nil if it is absent or null.
func (s *sourceBlock) text(b []byte, field int) []byte {
	v := s[field]
	switch {
	case v.null(b):
		return nil
	case v.isString(b):
		return b[v.start+1 : v.end-1]
	}
	return b[v.start:v.end]
}

var connectors = []*connector{postgres, mysql, mariadb}

// connectorOf finds the connector of an event.
func connectorOf(b []byte, src *sourceBlock) (*connector, error) {
	if !src[srcConnector].isString(b) {
		return nil, fmt.Errorf("no source.connector: %w", ErrMalformed)
	}
	name := string(src.text(b, srcConnector))
	for _, c := range connectors {
		if c.name == name {
			return c, nil
		}
	}
	return nil, fmt.Errorf("events of the connector %q: %w", name, base.ErrUnsupported)
}

// feeds makes sure that a table is not one that another kind of connector feeds: their
// positions cannot be compared.
func (c *connector) feeds(s *schema.Schema) error {
	for _, other := range connectors {
		if _, _, has := s.Field(other.column); has && other.column != c.column {
			return fmt.Errorf("the table is ordered by %s, and events of the connector %q by %s: make another table: %w",
				other.column, c.name, c.column, base.ErrInvalid)
		}
	}
	return nil
}

// origin is the server that wrote an event, and the transaction (GTID), as far as events say.
type origin struct{ server, transaction []byte }

func (o *origin) note(b []byte, src *sourceBlock) {
	o.server = append(o.server[:0], src.text(b, srcServer)...)
	o.transaction = append(o.transaction[:0], src.text(b, srcGTID)...)
}

// outrun tells whether an event came about after the one noted, although its position is
// less: then it is of another log. It may be true by mistake for an event that was sent twice,
// never false by mistake for one of another log, if there are GTIDs.
func (o *origin) outrun(b []byte, src *sourceBlock) bool {
	if series, number, ok := cutGTID(o.transaction); ok {
		now, next, ok := cutGTID(src.text(b, srcGTID))
		if ok && bytes.Equal(series, now) {
			return next >= number
		}
	}
	server := src.text(b, srcServer)
	return len(o.server) > 0 && len(server) > 0 && !bytes.Equal(o.server, server)
}

// cutGTID cuts MySQL's uuid:number (or uuid:tag:number) and MariaDB's domain-server-number.
func cutGTID(gtid []byte) (series []byte, number int64, ok bool) {
	at := bytes.LastIndexAny(gtid, ":-")
	if at < 0 {
		return nil, 0, false
	}
	number, ok = parseInt(gtid[at+1:])
	return gtid[:at], number, ok
}
