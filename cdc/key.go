package cdc

import "fmt"

// KeyFields returns the names of the fields of a record's message key, in their order, as
// columns. It returns nil for a record without key, and an error that wraps ErrMalformed for a
// key that is not a JSON object.
func KeyFields(rec Record) ([]string, error) {
	if len(rec.Key) == 0 {
		return nil, nil
	}
	var names []string
	at, err := keyObject(rec.Key)
	if err != nil {
		return nil, err
	}
	eachField(rec.Key, at, func(name []byte, _ value) { names = append(names, columnName(string(name))) })
	return names, nil
}

// Move is an update of a primary key, of which a topic has two records: the delete of the old
// key and, right behind its tombstone, the create of the new one. They lie in different
// partitions unless the keys happen to belong to the same.
type Move struct{ Old, New string } // the keys, as JSON objects

// MoveOf tells whether a record is one half of an update of a key, by its headers, and which:
// gone is the delete.
func MoveOf(rec Record) (m Move, gone, ok bool) {
	if len(rec.Value) == 0 {
		return m, false, false
	}
	for _, h := range rec.Headers {
		if h.Key != oldKeyHeader && h.Key != newKeyHeader {
			continue
		}
		own, ok1 := keyText(rec.Key)
		other, ok2 := keyText(h.Value)
		if !ok1 || !ok2 {
			return m, false, false
		}
		if h.Key == newKeyHeader {
			return Move{Old: own, New: other}, true, true
		}
		return Move{Old: other, New: own}, false, true
	}
	return m, false, false
}

func keyText(b []byte) (string, bool) {
	if len(b) == 0 {
		return "", false
	}
	at, err := keyObject(b)
	if err != nil {
		return "", false
	}
	end, _ := skipValue(b, at, 0)
	return string(b[at:max(end, at)]), end > at
}

// keyObject checks a key and finds the object with its fields: the key itself, or the payload
// of a key with schema.
func keyObject(b []byte) (at int, err error) {
	at = space(b, 0)
	end, _ := skipValue(b, at, 0)
	if end >= 0 && space(b, end) != len(b) {
		end = ^end
	}
	if end < 0 || b[at] != '{' {
		return 0, fmt.Errorf("the message key is not a JSON object: name the key columns with Options.Keys: %w", ErrMalformed)
	}
	var schema, payload value
	eachField(b, at, func(name []byte, v value) {
		switch string(name) {
		case "schema":
			schema = v
		case "payload":
			payload = v
		}
	})
	if schema.end == 0 || payload.end == 0 {
		return at, nil
	}
	if b[payload.start] != '{' {
		return 0, fmt.Errorf("the message key is not a struct: name the key columns with Options.Keys: %w", ErrMalformed)
	}
	return payload.start, nil
}

// eachField calls f for the fields of a scanned object. The name is valid during the call.
func eachField(b []byte, i int, f func(name []byte, v value)) {
	var buf []byte
	for i = space(b, i+1); b[i] != '}'; {
		end, flags := scanString(b, i+1)
		name, _ := unquote(b, value{start: i, end: end, flags: flags}, &buf)
		i = space(b, space(b, end)+1)
		end, flags = skipValue(b, i, 0)
		f(name, value{start: i, end: end, flags: flags})
		if i = space(b, end); b[i] == ',' {
			i = space(b, i+1)
		}
	}
}

// keyReader finds the values of the key columns in message keys.
type keyReader struct {
	shape *shape
	vals  []value
}

func newKeyReader(keys []string) keyReader {
	return keyReader{shape: newShape(keys...), vals: make([]value, len(keys))}
}

// read sets vals to the places of the key columns in the key b, zero for columns it does not have.
func (r *keyReader) read(b []byte) error {
	clear(r.vals)
	if len(b) == 0 {
		return nil
	}
	at, err := keyObject(b)
	if err != nil {
		return err
	}
	r.shape.read(b, at, 0, r.vals)
	return nil
}
