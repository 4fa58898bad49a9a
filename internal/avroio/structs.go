package avroio

import (
	"fmt"

	"github.com/hamba/avro/v2"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Structs converts Go structs to and from records of one schema. Fields go by their avro tags.
type Structs struct{ schema avro.Schema }

// NewStructs parses a schema. Errors wrap base.ErrInvalid.
func NewStructs(schemaJSON string) (*Structs, error) {
	s, err := avro.ParseWithCache(schemaJSON, "", &avro.SchemaCache{})
	if err != nil {
		return nil, fmt.Errorf("avroio: schema: %w: %w", err, base.ErrInvalid)
	}
	return &Structs{s}, nil
}

// Encode returns the record of a struct. Errors wrap base.ErrInvalid.
func (s *Structs) Encode(v any) ([]byte, error) {
	b, err := avro.Marshal(s.schema, v)
	if err != nil {
		return nil, fmt.Errorf("avroio: %w: %w", err, base.ErrInvalid)
	}
	return b, nil
}

// Decode sets a struct from a record that this program has made. Errors wrap base.ErrInvalid.
func (s *Structs) Decode(record []byte, v any) error {
	if err := avro.Unmarshal(s.schema, record, v); err != nil {
		return fmt.Errorf("avroio: %w: %w", err, base.ErrInvalid)
	}
	return nil
}
