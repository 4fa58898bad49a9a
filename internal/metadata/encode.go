package metadata

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
)

// The schemas of records, the five meta columns in front, as Hudi 0.15.0, 1.0.2 and 1.2.0
// put them into blocks and HFiles.
var (
	//go:embed schemas/v6.avsc
	schemaV6 string
	//go:embed schemas/v8.avsc
	schemaV8 string
	//go:embed schemas/v9.avsc
	schemaV9 string
)

// recordSchema is the schema that the records of a table version are written with.
func recordSchema(version int) (string, error) {
	switch version {
	case 6:
		return schemaV6, nil
	case 8:
		return schemaV8, nil
	case 9:
		return schemaV9, nil
	}
	return "", fmt.Errorf("metadata: records of table version %d: %w", version, base.ErrUnsupported)
}

// withoutMeta is a record schema as commits have it: without the meta columns, which are
// what stands before the field key.
func withoutMeta(schema string) string {
	const begin, key = `"fields":[`, `{"name":"key"`
	head, _, _ := strings.Cut(schema, begin)
	_, tail, _ := strings.Cut(schema, key)
	return head + begin + key + tail
}

// The types of records.
const (
	typePartitions = 1 // the list of partitions
	typeFiles      = 2 // the files of a partition
)

// fieldsAfterFiles is how many fields follow filesystemMetadata: those of the indexes.
func fieldsAfterFiles(version int) int {
	if version < 8 {
		return 3
	}
	return 4 // SecondaryIndexMetadata
}

// null and branch are the numbers of the branches of a union of null and a type.
const (
	null   = 0
	branch = 2 // one, in Avro's zigzag form
)

// appendHead appends what all records begin with: the meta columns, of which only the file
// name may have a value, and the key, which is empty as the HFile has it.
func appendHead(dst []byte, fileName string, typ int64) []byte {
	dst = append(dst, null, null, null, null)
	if fileName == "" {
		dst = append(dst, null)
	} else {
		dst = appendText(append(dst, branch), fileName)
	}
	dst = appendText(dst, "")
	return binary.AppendVarint(dst, typ)
}

// appendFiles appends a record of the partition files. Names are sorted, so that equal
// records are equal bytes.
func appendFiles(dst []byte, version int, typ int64, files map[string]FileState) []byte {
	dst = append(appendHead(dst, "", typ), branch)
	if len(files) > 0 {
		dst = binary.AppendVarint(dst, int64(len(files)))
		for _, name := range slices.Sorted(maps.Keys(files)) {
			dst = binary.AppendVarint(appendText(dst, name), files[name].Size)
			dst = appendBool(dst, files[name].Deleted)
		}
	}
	dst = append(dst, 0) // no more entries
	return append(dst, make([]byte, fieldsAfterFiles(version))...)
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendVarint(dst, int64(len(s))), s...)
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}
