// Package base holds Hudi's names: instants, file names, file ids, write tokens,
// partition paths, and the kinds of errors that the whole project distinguishes.
// It performs no I/O.
package base

import "errors"

// The kinds of failure that callers act upon. Errors wrap one of them; test with errors.Is.
var (
	// ErrNotTable says that a folder holds no Hudi table.
	ErrNotTable = errors.New("not a hudi table")
	// ErrInvalid says that the caller asked for something that cannot be: a wrong option, column or value.
	ErrInvalid = errors.New("invalid argument")
	// ErrUnsupported says that a table or request needs a feature that this library does not have.
	ErrUnsupported = errors.New("not supported")
	// ErrCorrupt says that stored bytes break the format.
	ErrCorrupt = errors.New("corrupt")
	// ErrConflict says that another writer changed what this one read; trying again may succeed.
	ErrConflict = errors.New("conflict with another writer")
	// ErrLockTimeout says that a lock was not obtained in time; trying again may succeed.
	ErrLockTimeout = errors.New("lock not obtained")
	// ErrUnknownOutcome says that a commit may or may not have happened. Nothing was deleted.
	ErrUnknownOutcome = errors.New("outcome unknown")
	// ErrCleaned says that the files a query needs were removed by the cleaner.
	ErrCleaned = errors.New("removed by the cleaner")
	// ErrUnreachable says that a store, broker or registry did not answer.
	ErrUnreachable = errors.New("unreachable")
	// ErrOffsetLost says that Kafka no longer has (or never had) an offset that a table must continue from.
	ErrOffsetLost = errors.New("offset lost")
)
