package timeline

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/hudi-go/hudi-go/internal/avroio"
)

// The structs of this package are the records of these schemas, those of Hudi 1.2.0: a
// field's avro tag is its name there. Other releases have fewer or other fields; both sides
// resolve them by name. Below layout1 are those of Hudi 0.15.0 that differ and are written.
//
//go:embed avsc/*.avsc avsc/layout1/*.avsc
var schemaFiles embed.FS

// schemas are the compact texts of the schemas by their paths below avsc.
var schemas = sync.OnceValues(func() (map[string]string, error) {
	out := make(map[string]string)
	return out, fs.WalkDir(schemaFiles, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := schemaFiles.ReadFile(path)
		if err != nil {
			return err
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		out[strings.TrimSuffix(strings.TrimPrefix(path, "avsc/"), ".avsc")] = compact.String()
		return nil
	})
})

// encode renders a struct as an Avro container with one record of the schema at a path. Equal
// values give equal bytes.
func encode(schema string, v any) ([]byte, error) {
	all, err := schemas()
	if err != nil {
		return nil, fmt.Errorf("timeline: %w", err)
	}
	data, err := avroio.WriteContainer(all[schema], v)
	if err != nil {
		return nil, fmt.Errorf("timeline: encode %s: %w", schema, err)
	}
	return data, nil
}
