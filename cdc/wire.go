package cdc

import (
	"encoding/json"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/schema"
)

// Wire says how the connector writes values into events that carry no schema: the zero value
// is Debezium's default. A column of Options.Schema whose field or type has the attribute
// "connect.name" (and, for decimals, "connect.parameters"), as schemas of Debezium's Avro
// converter have, is read as that name says instead.
//
// Temporal columns take ISO 8601 text in every form, and numbers in Time's unit.
// Decimal columns take JSON numbers and VariableScaleDecimal objects in every form.
type Wire struct {
	Decimal DecimalForm
	Time    TimeUnit
	Binary  BinaryForm
}

// DecimalForm is the meaning of strings in decimal columns (decimal.handling.mode).
type DecimalForm uint8

// The decimal forms.
const (
	// DecimalPrecise (the default): base64 of the unscaled value, big endian, with the scale of the column.
	DecimalPrecise DecimalForm = iota
	// DecimalText: decimal digits.
	DecimalText
)

// TimeUnit is the unit of numbers in timestamp and time columns (time.precision.mode).
type TimeUnit uint8

// The time units.
const (
	// TimeDeclared (the default): the unit of the declared type. With time.precision.mode=adaptive
	// declare timestamp(0) to timestamp(3) as local-timestamp-millis, others as -micros.
	TimeDeclared TimeUnit = iota
	TimeMillis
	TimeMicros
	TimeNanos
)

// BinaryForm is the meaning of strings in bytes columns (binary.handling.mode).
type BinaryForm uint8

// The binary forms.
const (
	BinaryBase64 BinaryForm = iota // the default, also of mode "bytes"
	BinaryBase64URL
	BinaryHex
)

// toMicros converts a number in the unit to microseconds, rounding down. ok is false on overflow.
func (u TimeUnit) toMicros(v int64) (micros int64, ok bool) {
	switch u {
	case TimeMillis:
		micros = v * 1000
		return micros, micros/1000 == v
	case TimeNanos:
		return floorDiv(v, 1000), true
	default:
		return v, true
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// wire is the form in which a value travels.
type wire struct {
	kind   wireKind
	prec   int      // wireDecimal, 0 for unknown
	scale  int      // wireDecimal
	unit   TimeUnit // wireTime, wireTimestamp
	elem   *wire    // wireArray, wireMap
	fields []wireField
}

type wireField struct {
	name string
	wire wire
}

type wireKind uint8

const (
	wireDeclared wireKind = iota // no schema: as the column's type and Wire say
	wireBool
	wireInt32
	wireInt64
	wireUnsigned // 64 bits, those above 2^63-1 as negative numbers
	wireFloat32
	wireFloat64
	wireString
	wireBytes
	wireDecimal
	wireVarDecimal // {scale, value}
	wireDate
	wireTime      // without a bound
	wireTimeOfDay // always below 24 hours
	wireTimestamp
	wireZoned
	wireArray
	wireMap
	wireStruct
)

// moneyPrecision is that of decimals whose precision the connector does not say: money.
const moneyPrecision = 19

var (
	unsignedType = &arrow.Decimal128Type{Precision: 20}
	localMicros  = &arrow.TimestampType{Unit: arrow.Microsecond}
	utcMicros    = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	utcMillis    = &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}
)

// semantic returns the form of a type by its semantic name and the column type that it gets.
// ok is false for names that add nothing to the physical type.
func semantic(name string, params map[string]string) (w wire, t arrow.DataType, ok bool) {
	switch name {
	case "org.apache.kafka.connect.data.Decimal":
		scale, err := strconv.Atoi(params["scale"])
		if err != nil {
			return wire{}, nil, false
		}
		prec, err := strconv.Atoi(params["connect.decimal.precision"])
		if err != nil || prec <= 0 {
			prec = max(moneyPrecision, scale)
		}
		w = wire{kind: wireDecimal, prec: prec, scale: scale}
		if prec > schema.MaxPrecision || scale > prec || scale < 0 {
			return w, arrow.BinaryTypes.String, true
		}
		return w, &arrow.Decimal128Type{Precision: int32(prec), Scale: int32(scale)}, true
	case "io.debezium.data.VariableScaleDecimal":
		return wire{kind: wireVarDecimal}, arrow.BinaryTypes.String, true
	case "io.debezium.time.Date", "io.debezium.time.IsoDate", "org.apache.kafka.connect.data.Date":
		return wire{kind: wireDate}, arrow.FixedWidthTypes.Date32, true
	case "io.debezium.time.Time":
		return wire{kind: wireTime, unit: TimeMillis}, arrow.PrimitiveTypes.Int64, true
	case "io.debezium.time.MicroTime":
		return wire{kind: wireTime, unit: TimeMicros}, arrow.PrimitiveTypes.Int64, true
	case "io.debezium.time.NanoTime":
		return wire{kind: wireTime, unit: TimeNanos}, arrow.PrimitiveTypes.Int64, true
	case "org.apache.kafka.connect.data.Time":
		return wire{kind: wireTimeOfDay, unit: TimeMillis}, arrow.FixedWidthTypes.Time32ms, true
	case "io.debezium.time.IsoTime":
		return wire{kind: wireTimeOfDay, unit: TimeMicros}, arrow.FixedWidthTypes.Time64us, true
	case "io.debezium.time.Timestamp":
		return wire{kind: wireTimestamp, unit: TimeMillis}, localMicros, true
	case "io.debezium.time.MicroTimestamp", "io.debezium.time.IsoTimestamp":
		return wire{kind: wireTimestamp, unit: TimeMicros}, localMicros, true
	case "io.debezium.time.NanoTimestamp":
		return wire{kind: wireTimestamp, unit: TimeNanos}, localMicros, true
	case "org.apache.kafka.connect.data.Timestamp":
		return wire{kind: wireTimestamp, unit: TimeMillis}, utcMillis, true
	case "io.debezium.time.ZonedTimestamp":
		return wire{kind: wireZoned, unit: TimeMicros}, utcMicros, true
	}
	return wire{}, nil, false
}

// declaredWire is the form of a column that the user declared.
func declaredWire(f schema.Field) wire {
	for _, props := range []map[string]json.RawMessage{f.Props, f.Type.Props} {
		var name string
		if json.Unmarshal(props["connect.name"], &name) != nil {
			continue
		}
		params := map[string]string{"scale": strconv.Itoa(f.Type.Scale), "connect.decimal.precision": strconv.Itoa(f.Type.Precision)}
		var given map[string]string
		if json.Unmarshal(props["connect.parameters"], &given) == nil {
			for k, v := range given {
				params[k] = v
			}
		}
		if w, _, ok := semantic(name, params); ok {
			return w
		}
	}
	return wire{kind: wireDeclared}
}
