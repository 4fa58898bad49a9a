// Package avroio reads and writes Avro object containers, the files of Hudi's timeline and of
// rows that users bring, and converts single Avro records to and from Go structs.
//
// It is the only importer of hamba/avro, which parses schemas. The library's own codecs are
// not used: they trust declared lengths, write maps in random order and need a pointer for
// every nullable value.
package avroio

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"reflect"
	"sync"

	"github.com/hamba/avro/v2"

	"github.com/hudi-go/hudi-go/internal/base"
)

// ReadContainer decodes the first record of a container into v, a pointer to a struct; see
// Unmarshal. Errors wrap base.ErrCorrupt when data is no container or breaks its own schema.
func ReadContainer(data []byte, v any) error {
	schemaJSON, blocks, err := Containers(bytes.NewReader(data))
	if err != nil {
		return err
	}
	for block, err := range blocks {
		if err != nil {
			return err
		}
		if block.Count > 0 {
			_, err = Unmarshal(schemaJSON, block.Data, v)
			return err
		}
	}
	return fmt.Errorf("avroio: the container has no record: %w", base.ErrCorrupt)
}

// WriteContainer encodes v, a struct or a pointer to one, as a container of one record, as
// real Hudi writes it: the schema is its only metadata, and nothing is compressed. Equal
// values give equal bytes, so that a repeated write of a file changes nothing.
func WriteContainer(schemaJSON string, v any) ([]byte, error) {
	record, err := Marshal(schemaJSON, v)
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	h.Write([]byte(schemaJSON))
	h.Write(record)
	var out bytes.Buffer
	w, err := newContainerWriter(&out, schemaJSON, "", [syncSize]byte(h.Sum(nil)))
	if err != nil {
		return nil, err
	}
	if err := w.WriteBlock(1, record); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// ContainerSchema returns the schema that a container was written with.
func ContainerSchema(data []byte) (string, error) {
	schemaJSON, _, err := Containers(bytes.NewReader(data))
	return schemaJSON, err
}

// Unmarshal decodes the record at the beginning of data, written with the schema, into v, a
// pointer to a struct, and returns the bytes after it.
//
// The fields of the schema and of the struct are matched by the struct's "avro" tags. Fields
// of the schema without a counterpart are skipped, fields of the struct without one are left
// alone. A record may be a struct or a pointer to one. A union with null may be a pointer, a
// slice, a map, or any other type, which null sets to its zero value. A union of several
// types is a struct, or a pointer to one, with a pointer for each type that matters, tagged
// with the type's name: one of them is set, none by null and by types without a field.
// Errors wrap base.ErrCorrupt for data that breaks the schema, and for a schema that is none or
// does not fit the struct, as it comes with the data.
func Unmarshal(schemaJSON string, data []byte, v any) (rest []byte, err error) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() || p.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("avroio: decoding into %T, want a pointer to a struct: %w", v, base.ErrInvalid)
	}
	c, err := codecOf(schemaJSON, p.Type().Elem())
	if err != nil { // the schema comes with the data
		return nil, fmt.Errorf("%w: %w", err, base.ErrCorrupt)
	}
	r := newReader(data)
	if err := c.decode(&r, p.Elem()); err != nil {
		return nil, fmt.Errorf("avroio: %w", err)
	}
	return r.data, nil
}

// Marshal encodes v, a struct or a pointer to one, as a record of the schema; see Unmarshal.
// In a union with null, nil pointers, slices and maps are null and everything else is a
// value, except that a field with the tag option omitempty ("name,omitempty") is null when
// it is zero, and one with omitempty=Other when the struct's field Other is. Of the struct for a
// union of several types the pointer that is not nil is written. Fields of the
// schema that the struct does not have must allow null. The entries of maps are written in
// the order of their keys.
func Marshal(schemaJSON string, v any) ([]byte, error) {
	s := reflect.Indirect(reflect.ValueOf(v))
	if s.Kind() != reflect.Struct {
		return nil, fmt.Errorf("avroio: encoding a %T, want a struct: %w", v, base.ErrInvalid)
	}
	c, err := codecOf(schemaJSON, s.Type())
	if err != nil {
		return nil, err
	}
	out, err := c.encode(nil, s)
	if err != nil {
		return nil, fmt.Errorf("avroio: %w", err)
	}
	return out, nil
}

// maxCached is how many codecs are kept. A table's timeline has a dozen schemas, a few more
// when several releases wrote it.
const maxCached = 128

type cacheKey struct {
	schema string
	target reflect.Type
}

var cache = struct {
	sync.Mutex
	codecs map[cacheKey]*codec
}{codecs: make(map[cacheKey]*codec)}

// codecOf returns the codec between a schema and a type of struct.
func codecOf(schemaJSON string, target reflect.Type) (*codec, error) {
	key := cacheKey{schemaJSON, target}
	cache.Lock()
	c := cache.codecs[key]
	cache.Unlock()
	if c != nil {
		return c, nil
	}
	schema, err := avro.ParseWithCache(schemaJSON, "", &avro.SchemaCache{})
	if err != nil {
		return nil, fmt.Errorf("avroio: schema: %w: %w", err, base.ErrInvalid)
	}
	c, err = compile(schema, target)
	if err != nil {
		return nil, fmt.Errorf("avroio: %w", err)
	}
	cache.Lock()
	defer cache.Unlock()
	if len(cache.codecs) >= maxCached {
		clear(cache.codecs)
	}
	cache.codecs[key] = c
	return c, nil
}
