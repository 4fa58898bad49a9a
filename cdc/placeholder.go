package cdc

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/google/uuid"
)

// placeholders recognises the value that Debezium sends in place of one which did not change
// and which PostgreSQL therefore did not log. What it looks like depends on the column's type;
// the forms are those of Debezium's PostgreSQL connector, in the compact JSON of Kafka Connect.
type placeholders struct {
	marker []byte
	// lengths has bit n set when a form has length n modulo 64: the test that nearly every value fails.
	lengths uint64
	forms   [][]byte
}

func newPlaceholders(text string) *placeholders {
	raw := []byte(text)
	quote := func(s string) []byte {
		q, _ := json.Marshal(s) // a string always marshals
		return q
	}
	list := func(elem []byte) []byte { return append(append([]byte{'['}, elem...), ']') }
	encoded := quote(base64.StdEncoding.EncodeToString(raw))
	bytewise := []byte{'['}
	for i, c := range raw {
		if i > 0 {
			bytewise = append(bytewise, ',')
		}
		bytewise = strconv.AppendInt(bytewise, int64(int8(c)), 10)
	}
	sum := md5.Sum(raw)
	sum[6], sum[8] = sum[6]&0x0F|0x30, sum[8]&0x3F|0x80
	id := quote(uuid.UUID(sum).String())
	p := &placeholders{
		marker: raw,
		forms: [][]byte{
			quote(text), // text, json, xml …
			encoded,     // bytea
			quote(base64.URLEncoding.EncodeToString(raw)),
			quote(hex.EncodeToString(raw)),
			list(quote(text)),     // text[]
			list(encoded),         // bytea[]
			append(bytewise, ']'), // int[], bigint[]
			id, list(id),          // uuid, uuid[]
			append(append(append(append([]byte{'{'}, quote(text)...), ':'), quote(text)...), '}'), // hstore
		},
	}
	for _, f := range p.forms {
		p.lengths |= 1 << (len(f) & 63)
	}
	return p
}

// is reports whether a value stands for one that was not sent.
func (p *placeholders) is(b []byte, v value) bool {
	n := v.end - v.start
	if p.lengths>>(n&63)&1 == 0 {
		return false
	}
	for _, f := range p.forms {
		if len(f) == n && string(f) == string(b[v.start:v.end]) {
			return true
		}
	}
	return false
}
