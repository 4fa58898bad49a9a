package metadata

import "encoding/binary"

// known tells whether a schema is one of those that records are written with here, and whose
// places decodePlace reads.
func known(schema string) bool {
	return schema == schemaV6 || schema == schemaV8 || schema == schemaV9
}

// decodePlace reads a record of the record index that has one of the known schemas, in which it
// lies alike; ok is false for anything else. Look-ups read one for each key.
func decodePlace(value []byte) (rec *Record, ok bool) {
	d := placeReader{rest: value}
	for range 4 {
		d.want(null)
	}
	if d.branch() {
		d.text() // the file name, which 0.15 puts into base files
	}
	d.text() // key
	d.want(2 * typeRecord)
	for range 3 {
		d.want(null)
	}
	d.want(branch)
	l := &Location{}
	if d.branch() {
		l.Partition = string(d.text())
	}
	for _, to := range []*int64{&l.High, &l.Low} {
		if d.branch() {
			*to = d.long()
		}
	}
	if d.branch() {
		l.Index = int32(d.long())
	}
	if d.branch() {
		l.Raw = string(d.text())
	}
	if d.branch() {
		l.Instant = d.long()
	}
	l.Encoding = int32(d.long())
	return &Record{Type: typeRecord, Location: l}, !d.failed
}

// placeReader reads Avro's binary form. After a failure every value is zero.
type placeReader struct {
	rest   []byte
	failed bool
}

func (d *placeReader) want(b byte) {
	if len(d.rest) == 0 || d.rest[0] != b {
		d.failed, d.rest = true, nil
		return
	}
	d.rest = d.rest[1:]
}

// branch tells whether a union of null and a type has the type.
func (d *placeReader) branch() bool {
	has := len(d.rest) > 0 && d.rest[0] == branch
	if has {
		d.want(branch)
	} else {
		d.want(null)
	}
	return has
}

func (d *placeReader) long() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.failed, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *placeReader) text() []byte {
	n := d.long()
	if n < 0 || n > int64(len(d.rest)) {
		d.failed, d.rest = true, nil
		return nil
	}
	text := d.rest[:n]
	d.rest = d.rest[n:]
	return text
}
