package timeline

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/hudi-go/hudi-go/internal/avroio"
)

// The structs of this package are the records of these schemas, those of Hudi 1.2.0: a
// field's avro tag is its name there. Other releases have fewer or other fields; both sides
// resolve them by name.
//
//go:embed avsc/*.avsc
var schemaFiles embed.FS

// schemas are the compact texts of the schemas by record name.
var schemas = sync.OnceValues(func() (map[string]string, error) {
	entries, err := schemaFiles.ReadDir("avsc")
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(entries))
	for _, e := range entries {
		text, err := schemaFiles.ReadFile("avsc/" + e.Name())
		if err != nil {
			return nil, err
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		out[strings.TrimSuffix(e.Name(), ".avsc")] = compact.String()
	}
	return out, nil
})

// encode renders a struct as an Avro container with one record of the named schema. Equal
// values give equal bytes.
func encode(record string, v any) ([]byte, error) {
	all, err := schemas()
	if err != nil {
		return nil, fmt.Errorf("timeline: %w", err)
	}
	data, err := avroio.WriteContainer(all[record], v)
	if err != nil {
		return nil, fmt.Errorf("timeline: encode %s: %w", record, err)
	}
	return data, nil
}
