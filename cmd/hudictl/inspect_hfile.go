package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/hudi-go/hudi-go/internal/avroio"
	"github.com/hudi-go/hudi-go/internal/hfile"
)

// metaLine is a meta block of an HFile.
type metaLine struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

// hfile shows what an HFile says of itself, or with --rows its entries.
func (i *inspection) hfile(ctx context.Context) error {
	f, err := hfile.Open(i.name, i.file, i.file.Size())
	if err != nil {
		return err
	}
	if i.rows {
		return i.entries(ctx, f, f.Schema())
	}
	line := struct {
		Entries     int64           `json:"entries"`
		Bytes       int64           `json:"bytes"`
		Compression string          `json:"compression"`
		FirstKey    any             `json:"firstKey"`
		LastKey     any             `json:"lastKey"`
		Schema      json.RawMessage `json:"schema"` // Avro, of the values
		Info        map[string]any  `json:"info"`
		Meta        []metaLine      `json:"meta"`
	}{Entries: f.Len(), Bytes: i.file.Size(), Compression: f.Codec().String(), Info: map[string]any{}, Meta: []metaLine{}}
	for e, err := range f.All(ctx) {
		if err != nil {
			return err
		}
		line.FirstKey, line.LastKey = textOrBytes(e.Key), textOrBytes(f.LastKey())
		break
	}
	if s := f.Schema(); json.Valid([]byte(s)) {
		line.Schema = json.RawMessage(s)
	}
	for _, key := range f.InfoKeys() {
		value, _ := f.Info(key)
		if key != hfile.InfoSchema {
			line.Info[key] = infoValue(key, value)
		}
	}
	for _, name := range f.MetaNames() {
		content, _, err := f.Meta(name)
		if err != nil {
			return err
		}
		line.Meta = append(line.Meta, metaLine{name, len(content)})
	}
	return printJSON(i.out, line)
}

// entryLine is an entry of an HFile. Record is its value in the file's schema, Value its bytes
// when the file has none.
type entryLine struct {
	Key    any             `json:"key"`
	Record json.RawMessage `json:"record,omitempty"`
	Value  []byte          `json:"value,omitempty"`
}

// entries writes the entries of an HFile, whose values are records of the schema if there is one.
func (i *inspection) entries(ctx context.Context, f *hfile.Reader, schemaJSON string) error {
	var texts *avroio.Texts
	if schemaJSON != "" {
		var err error
		if texts, err = avroio.NewTexts(schemaJSON); err != nil {
			return err
		}
	}
	for e, err := range f.All(ctx) {
		if err != nil {
			return err
		}
		line := entryLine{Key: textOrBytes(e.Key)}
		switch {
		case texts == nil:
			line.Value = e.Value
		case len(e.Value) == 0: // a deleted record
			line.Record = json.RawMessage("null")
		default:
			if line.Record, err = texts.Append(nil, e.Value); err != nil {
				return err
			}
		}
		if err := printJSON(i.out, line); err != nil {
			return err
		}
	}
	return nil
}

// infoValue is an entry of the file info: numbers have no mark there, but known names.
func infoValue(key string, value []byte) any {
	const four, eight = 4, 8
	number := strings.HasSuffix(key, "_LEN") || strings.HasSuffix(key, "_VERSION") || strings.HasSuffix(key, "_TS") || strings.HasSuffix(key, "_TS_KEY")
	switch {
	case number && len(value) == four:
		return int32(binary.BigEndian.Uint32(value))
	case number && len(value) == eight:
		return int64(binary.BigEndian.Uint64(value))
	}
	return textOrBytes(value)
}

// textOrBytes is a text if the bytes are one, or else, in JSON, their base64.
func textOrBytes(b []byte) any {
	for _, c := range b {
		if c < ' ' {
			return b
		}
	}
	if !utf8.Valid(b) {
		return b
	}
	return string(b)
}
