package cdc

import (
	"bytes"
	"fmt"

	"github.com/hudi-go/hudi-go/internal/base"
)

// MySQL and MariaDB order by the place of the change in the binary log, which has the
// transactions one behind the other. The rows of one statement have one place; those of one key
// are in order within it.
var (
	mysql   = &connector{name: "mysql", column: "_event_order", position: binlogPosition}
	mariadb = &connector{name: "mariadb", column: "_event_order", position: binlogPosition}
)

// An ordering value is the number of the log file above the position in it: files up to 64 GiB,
// and 134 million of them.
const (
	binlogPosBits = 36
	maxBinlogPos  = 1<<binlogPosBits - 1
	maxBinlogFile = 1<<(63-binlogPosBits) - 1
)

func binlogPosition(b []byte, src *sourceBlock) (int64, bool, error) {
	file, pos := src.text(b, srcFile), src.text(b, srcPos)
	if len(file) == 0 || len(pos) == 0 {
		if s := src.text(b, srcSnapshot); len(s) > 0 && string(s) != "false" {
			return 0, false, nil
		}
		return 0, false, fmt.Errorf("source.file or source.pos is missing: %w", ErrNoOrder)
	}
	// Names as text would put .1000000 before .999999.
	n, okFile := parseInt(file[bytes.LastIndexByte(file, '.')+1:])
	at, okPos := parseInt(pos)
	switch {
	case !okFile || n < 0:
		return 0, false, fmt.Errorf("source.file %q does not end with a number: %w", file, ErrNoOrder)
	case !okPos || at < 0:
		return 0, false, fmt.Errorf("source.pos %.20q is no position: %w", pos, ErrNoOrder)
	case n > maxBinlogFile || at > maxBinlogPos:
		return 0, false, fmt.Errorf("binary log %s at %d: the ordering column holds files to number %d and %d bytes: %w", file, at, maxBinlogFile, maxBinlogPos, base.ErrUnsupported)
	}
	return n<<binlogPosBits | at, true, nil
}
