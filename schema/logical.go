package schema

import (
	"math"
	"math/big"
)

// MaxPrecision is the greatest precision of decimals that have an Arrow form.
const MaxPrecision = 38

var kindNames = [...]string{
	Null: "null", Boolean: "boolean", Int: "int", Long: "long", Float: "float", Double: "double",
	Bytes: "bytes", String: "string", Fixed: "fixed", Enum: "enum", Array: "array", Map: "map",
	Record: "record", Union: "union",
}

// String returns Avro's name of the kind.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

var logicalNames = [...]string{
	NoLogical: "none", Decimal: "decimal", Date: "date", TimeMillis: "time-millis", TimeMicros: "time-micros",
	TimestampMillis: "timestamp-millis", TimestampMicros: "timestamp-micros",
	LocalTimestampMillis: "local-timestamp-millis", LocalTimestampMicros: "local-timestamp-micros", UUID: "uuid",
}

// String returns Avro's name of the logical type.
func (l Logical) String() string {
	if int(l) < len(logicalNames) {
		return logicalNames[l]
	}
	return "unknown"
}

func logicalNamed(name string) Logical {
	for l := Decimal; l <= UUID; l++ {
		if logicalNames[l] == name {
			return l
		}
	}
	return NoLogical
}

// fits reports whether the logical type may refine t.
func (l Logical) fits(t *Type) bool {
	switch l {
	case NoLogical:
		return true
	case Decimal:
		return t.Precision > 0 && t.Scale >= 0 && t.Scale <= t.Precision &&
			(t.Kind == Bytes || t.Kind == Fixed && t.Precision <= maxPrecision(t.Size))
	case Date, TimeMillis:
		return t.Kind == Int
	case TimeMicros, TimestampMillis, TimestampMicros, LocalTimestampMillis, LocalTimestampMicros:
		return t.Kind == Long
	case UUID:
		return t.Kind == String || t.Kind == Fixed && t.Size == 16
	}
	return false
}

// maxPrecision is the number of digits that every decimal of that many bytes can have,
// computed as Avro does.
func maxPrecision(size int) int {
	return int(math.Log10(2) * float64(8*size-1))
}

// DecimalSize is the number of bytes that a decimal of that precision needs (docs/format/types.md).
func DecimalSize(precision int) int {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)
	return limit.Sub(limit, big.NewInt(1)).BitLen()/8 + 1
}
