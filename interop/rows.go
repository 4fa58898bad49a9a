package interop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// DecodeRow decodes one row; numbers become json.Number.
func DecodeRow(text []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var row map[string]any
	if err := d.Decode(&row); err != nil {
		return nil, fmt.Errorf("row %.200s: %w", text, err)
	}
	return row, nil
}

// ReadJSONL decodes one row a line.
func ReadJSONL(r io.Reader) ([]map[string]any, error) {
	lines := bufio.NewReaderSize(r, 1<<20)
	var rows []map[string]any
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			row, err := DecodeRow(line)
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// ReadJSONLFile decodes a file of one row a line.
func ReadJSONLFile(name string) ([]map[string]any, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadJSONL(f)
}
