package avroio

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/hamba/avro/v2"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Texts renders the records of a schema as JSON, whatever they are made of.
type Texts struct{ schema avro.Schema }

// NewTexts parses a schema. Errors wrap base.ErrCorrupt.
func NewTexts(schemaJSON string) (*Texts, error) {
	s, err := avro.ParseWithCache(schemaJSON, "", &avro.SchemaCache{})
	if err != nil {
		return nil, fmt.Errorf("avroio: schema: %w: %w", err, base.ErrCorrupt)
	}
	return &Texts{s}, nil
}

// Append appends the record in data as JSON: bytes and fixed as base64, enums as their symbol,
// numbers that JSON does not have as text. A value of a union of null and several types is an
// object with the name of the type, without its namespace, as in Avro's own JSON. Errors wrap
// base.ErrCorrupt.
func (t *Texts) Append(dst, data []byte) ([]byte, error) {
	p := printer{reader: newReader(data), out: dst}
	if err := p.value(t.schema); err != nil {
		return dst, fmt.Errorf("avroio: %w", err)
	}
	return p.out, nil
}

// printer writes the values that its reader takes.
type printer struct {
	reader
	out []byte
}

func (p *printer) value(s avro.Schema) error {
	if err := p.enter(); err != nil {
		return err
	}
	defer p.leave()
	if ref, ok := s.(*avro.RefSchema); ok {
		s = ref.Schema()
	}
	switch s := s.(type) {
	case *avro.RecordSchema:
		return p.record(s)
	case *avro.UnionSchema:
		return p.union(s)
	case *avro.ArraySchema:
		return p.blocks('[', ']', func() error { return p.value(s.Items()) })
	case *avro.MapSchema:
		return p.blocks('{', '}', func() error {
			key, err := p.bytes()
			if err != nil {
				return err
			}
			p.json(string(key))
			p.out = append(p.out, ':')
			return p.value(s.Values())
		})
	case *avro.EnumSchema:
		i, err := p.long()
		if err != nil {
			return err
		}
		if i < 0 || i >= int64(len(s.Symbols())) {
			return corrupt("%d is no symbol of the enum", i)
		}
		p.json(s.Symbols()[i])
		return nil
	case *avro.FixedSchema:
		b, err := p.take(int64(s.Size()))
		p.json(b)
		return err
	}
	return p.primitive(s.Type())
}

func (p *printer) record(s *avro.RecordSchema) error {
	p.out = append(p.out, '{')
	for i, f := range s.Fields() {
		if i > 0 {
			p.out = append(p.out, ',')
		}
		p.json(f.Name())
		p.out = append(p.out, ':')
		if err := p.value(f.Type()); err != nil {
			return fmt.Errorf("%s.%s: %w", s.Name(), f.Name(), err)
		}
	}
	p.out = append(p.out, '}')
	return nil
}

func (p *printer) union(s *avro.UnionSchema) error {
	i, err := p.long()
	if err != nil {
		return err
	}
	if i < 0 || i >= int64(len(s.Types())) {
		return corrupt("%d is no branch of the union", i)
	}
	of := s.Types()[i]
	const plain = 2 // null and one type
	if of.Type() == avro.Null || len(s.Types()) <= plain {
		return p.value(of)
	}
	if ref, ok := of.(*avro.RefSchema); ok {
		of = ref.Schema()
	}
	name := string(of.Type())
	if named, ok := of.(avro.NamedSchema); ok {
		name = named.Name()
	}
	p.out = append(p.out, '{')
	p.json(name)
	p.out = append(p.out, ':')
	err = p.value(of)
	p.out = append(p.out, '}')
	return err
}

// blocks writes the elements of an array or a map.
func (p *printer) blocks(begin, end byte, element func() error) error {
	p.out = append(p.out, begin)
	for first := true; ; {
		n, err := p.count()
		if err != nil {
			return err
		}
		if n == 0 {
			p.out = append(p.out, end)
			return nil
		}
		for range n {
			if !first {
				p.out = append(p.out, ',')
			}
			first = false
			if err := element(); err != nil {
				return err
			}
		}
	}
}

func (p *printer) primitive(t avro.Type) error {
	switch t {
	case avro.Null:
		p.out = append(p.out, "null"...)
	case avro.Boolean:
		b, err := p.take(1)
		if err != nil {
			return err
		}
		p.out = strconv.AppendBool(p.out, b[0] != 0)
	case avro.Int, avro.Long:
		n, err := p.long()
		if err != nil {
			return err
		}
		p.out = strconv.AppendInt(p.out, n, 10)
	case avro.Float:
		b, err := p.take(4)
		if err != nil {
			return err
		}
		p.number(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 32)
	case avro.Double:
		b, err := p.take(8)
		if err != nil {
			return err
		}
		p.number(math.Float64frombits(binary.LittleEndian.Uint64(b)), 64)
	case avro.String:
		b, err := p.bytes()
		if err != nil {
			return err
		}
		p.json(string(b))
	case avro.Bytes:
		b, err := p.bytes()
		if err != nil {
			return err
		}
		p.json(b)
	default:
		return corrupt("type %s", t)
	}
	return nil
}

func (p *printer) number(v float64, bits int) {
	text := strconv.FormatFloat(v, 'g', -1, bits)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		text = `"` + text + `"`
	}
	p.out = append(p.out, text...)
}

// json appends a text, or bytes as base64; neither can fail.
func (p *printer) json(v any) {
	text, _ := json.Marshal(v)
	p.out = append(p.out, text...)
}
