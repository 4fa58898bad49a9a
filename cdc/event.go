package cdc

import (
	"bytes"
	"fmt"
)

// event is a change event taken apart. Its values are places in the record's value, and valid
// until the reader's next event.
type event struct {
	kind   eventKind
	op     byte
	time   value // envelope ts_ms
	source sourceBlock
	prog   *program
	after  []value // by source column, valid if hasAfter
	before value
	// hasAfter says that there is an after image; it was read unless the program does not fit.
	hasAfter bool
}

type eventKind uint8

const (
	change    eventKind = iota // r, c, u, d, t
	message                    // m
	unrelated                  // heartbeat, transaction boundary, schema change
	tombstone
)

// The fields of an envelope, of the wrapper around one that carries its schema, and those by
// which records of other kinds are told.
const (
	envSchema = iota
	envPayload
	envBefore
	envAfter
	envSource
	envOp
	envTime
	envStatus
	envDDL
	envChanges
	numEnvelope
)

// jsonReader reads Debezium's JSON envelopes, with and without schema, in one pass.
type jsonReader struct {
	wrapper, envelope, source *shape
	vals                      [numEnvelope]value
	wrapperVals               [numEnvelope]value

	// programFor returns the program of an embedded schema's text, nil for none.
	programFor func(text []byte) (*program, error)
	// current is the program of the last event; most events have the same schema text.
	current *program
	fault   error // of programFor
}

func newJSONReader(programFor func([]byte) (*program, error)) *jsonReader {
	names := []string{"schema", "payload", "before", "after", "source", "op", "ts_ms", "status", "ddl", "tableChanges"}
	return &jsonReader{
		wrapper:    newShape(names...),
		envelope:   newShape(names...),
		source:     newShape(sourceFields...),
		programFor: programFor,
	}
}

// read takes the event in b apart. Its errors wrap ErrMalformed, or are programFor's.
func (r *jsonReader) read(b []byte, ev *event) error {
	*ev = event{after: ev.after}
	r.fault = nil
	i := space(b, 0)
	if i < len(b) && b[i] == 'n' {
		i = literal(b, i, "null")
		ev.kind = tombstone
	} else {
		i = r.wrapped(b, i, ev)
	}
	if r.fault != nil {
		return r.fault
	}
	if i >= 0 && space(b, i) != len(b) {
		i = ^i
	}
	if i < 0 {
		return malformed(b, ^i)
	}
	if ev.kind == tombstone {
		return nil
	}
	return r.classify(b, ev)
}

func malformed(b []byte, at int) error {
	return fmt.Errorf("JSON is broken at byte %d of %d, or nested more than %d levels: %w", at, len(b), maxDepth, ErrMalformed)
}

// wrapped reads the outermost object: an envelope, or {"schema": …, "payload": envelope}.
func (r *jsonReader) wrapped(b []byte, i int, ev *event) int {
	if i >= len(b) || b[i] != '{' {
		return ^i
	}
	if k := space(b, i+1); k < len(b) && !bytes.HasPrefix(b[k:], []byte(`"schema"`)) && !bytes.HasPrefix(b[k:], []byte(`"payload"`)) {
		return r.object(b, i, ev, 0)
	}
	clear(r.wrapperVals[:])
	vals := &r.wrapperVals
	i = space(b, i+1)
	for n := 0; ; n++ {
		field, at := r.wrapper.key(b, i, n)
		if at < 0 {
			return at
		}
		end := 0
		switch {
		case field == envSchema:
			end = r.schema(b, at, ev)
		case field == envPayload && vals[envSchema].end != 0:
			end = r.payload(b, at, ev)
		default:
			end, _ = skipValue(b, at, 1)
		}
		if end < 0 {
			return end
		}
		if field >= 0 {
			vals[field] = value{start: at, end: end}
		}
		if i = space(b, end); i >= len(b) {
			return ^i
		}
		if b[i] == '}' {
			break
		}
		if b[i] != ',' {
			return ^i
		}
		i = space(b, i+1)
	}
	payload := vals[envPayload]
	switch {
	case payload.end == 0:
		return ^i
	case vals[envSchema].end == 0 || vals[envSchema].start > payload.start:
		// The payload came before its schema, which no converter does: read it again.
		if at := r.payload(b, payload.start, ev); at < 0 {
			return at
		}
	}
	return i + 1
}

// payload reads the envelope in a wrapper; null is a tombstone.
func (r *jsonReader) payload(b []byte, i int, ev *event) int {
	if i < len(b) && b[i] == 'n' {
		ev.kind = tombstone
		return literal(b, i, "null")
	}
	if i >= len(b) || b[i] != '{' {
		return ^i
	}
	return r.object(b, i, ev, 1)
}

// schema reads an embedded schema. The text of the last event's is compared first.
func (r *jsonReader) schema(b []byte, i int, ev *event) int {
	if p := r.current; p != nil && len(p.text) > 0 && bytes.HasPrefix(b[i:], p.text) {
		ev.prog = p
		return i + len(p.text)
	}
	end, _ := skipValue(b, i, 1)
	if end < 0 || b[i] != '{' {
		return end
	}
	ev.prog, r.fault = r.programFor(b[i:end])
	if r.fault != nil {
		return ^i
	}
	r.current = ev.prog
	return end
}

// object reads an envelope.
func (r *jsonReader) object(b []byte, i int, ev *event, depth int) int {
	if ev.prog == nil && depth == 0 {
		if ev.prog, r.fault = r.programFor(nil); r.fault != nil {
			return ^i
		}
	}
	clear(r.vals[:])
	vals := &r.vals
	if i = space(b, i+1); i < len(b) && b[i] == '}' {
		return i + 1
	}
	for n := 0; ; n++ {
		field, at := r.envelope.key(b, i, n)
		if at < 0 {
			return at
		}
		end := 0
		switch isObject := at < len(b) && b[at] == '{'; {
		case field == envAfter && isObject && ev.prog != nil && ev.prog.fits():
			if cap(ev.after) < ev.prog.width() {
				ev.after = make([]value, ev.prog.width())
			}
			ev.after = ev.after[:ev.prog.width()]
			end = ev.prog.shape.read(b, at, depth+1, ev.after)
		case field == envSource && isObject:
			end = r.source.read(b, at, depth+1, ev.source[:])
		default:
			end, _ = skipValue(b, at, depth+1)
		}
		if end < 0 {
			return end
		}
		if field >= 0 {
			vals[field] = value{start: at, end: end}
		}
		if i = space(b, end); i >= len(b) {
			return ^i
		}
		switch b[i] {
		case ',':
			i = space(b, i+1)
		case '}':
			return i + 1
		default:
			return ^i
		}
	}
}

// classify says what kind of record the envelope read is.
func (r *jsonReader) classify(b []byte, ev *event) error {
	vals := &r.vals
	op := vals[envOp]
	if op.end == 0 {
		switch {
		case vals[envStatus].end != 0 || vals[envDDL].end != 0 || vals[envChanges].end != 0,
			vals[envTime].end != 0 && vals[envAfter].end == 0 && vals[envSource].end == 0:
			ev.kind = unrelated
			return nil
		}
		return fmt.Errorf("no op: not a Debezium envelope (flattened events have none): %w", ErrMalformed)
	}
	if !op.isString(b) || op.end-op.start != len(`"c"`) {
		return fmt.Errorf("op is %.20q: %w", b[op.start:op.end], ErrMalformed)
	}
	ev.op = b[op.start+1]
	switch ev.op {
	case 'm':
		ev.kind = message
		return nil
	case 'r', 'c', 'u', 'd', 't':
	default:
		return fmt.Errorf("op is %q: %w", ev.op, ErrMalformed)
	}
	ev.hasAfter = !vals[envAfter].null(b)
	ev.before = vals[envBefore]
	if src := vals[envSource]; src.null(b) || b[src.start] != '{' {
		return fmt.Errorf("no source: %w", ErrMalformed)
	}
	ev.time = vals[envTime]
	for _, v := range []value{vals[envAfter], ev.before} {
		if !v.null(b) && b[v.start] != '{' {
			return fmt.Errorf("before or after is no object: %w", ErrMalformed)
		}
	}
	if !ev.hasAfter && ev.op != 'd' && ev.op != 't' {
		return fmt.Errorf("op %q without after: %w", ev.op, ErrMalformed)
	}
	return nil
}

// number reads a whole number that may be absent: 0.
func number(b []byte, v value) int64 {
	if v.end == 0 {
		return 0
	}
	n, _ := parseInt(b[v.start:v.end])
	return n
}
