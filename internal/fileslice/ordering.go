package fileslice

import (
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
)

// Orderings converts between the ordering values of delete blocks and those of rows. They
// differ in decimals, which blocks hold with a scale of their own.
type Orderings struct {
	scales []int32 // by ordering field; 0 for what is no decimal
}

// OrderingsOf knows the ordering fields of a table.
func OrderingsOf(s *schema.Schema, fields []string) Orderings {
	o := Orderings{scales: make([]int32, len(fields))}
	for i, name := range fields {
		if _, at, ok := s.Field(name); ok {
			if d, ok := s.Arrow().Field(at).Type.(*arrow.Decimal128Type); ok {
				o.scales[i] = d.Scale
			}
		}
	}
	return o
}

func (o Orderings) scale(i int) int32 {
	if i < len(o.scales) {
		return o.scales[i]
	}
	return 0
}

// value is the row form of a delete's ordering value.
func (o Orderings) value(in logfile.Ordering) merge.Value {
	if in.Kind == logfile.OrderingList {
		list := make([]merge.Value, len(in.List))
		for i, part := range in.List {
			list[i] = scalar(part, o.scale(i))
		}
		return merge.TupleValue(list)
	}
	return scalar(in, o.scale(0))
}

func scalar(in logfile.Ordering, scale int32) merge.Value {
	switch in.Kind {
	case logfile.OrderingBoolean:
		return merge.BoolValue(in.Int != 0)
	case logfile.OrderingInt:
		return merge.IntValue(merge.Int, in.Int)
	case logfile.OrderingLong:
		return merge.IntValue(merge.Long, in.Int)
	case logfile.OrderingFloat:
		return merge.FloatValue(merge.Float, in.Float)
	case logfile.OrderingDouble:
		return merge.FloatValue(merge.Double, in.Float)
	case logfile.OrderingBytes:
		return merge.TextValue(merge.Bytes, string(in.Bytes))
	case logfile.OrderingString:
		return merge.TextValue(merge.String, in.Str)
	case logfile.OrderingDate, logfile.OrderingLocalDate:
		return merge.IntValue(merge.Date, in.Int)
	case logfile.OrderingTimeMicros:
		return merge.IntValue(merge.TimeMicros, in.Int)
	case logfile.OrderingTimestampMicros:
		return merge.IntValue(merge.TimestampMicros, in.Int)
	case logfile.OrderingDecimal:
		n := twosComplement(in.Bytes)
		shift := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(abs(logfile.OrderingDecimalScale-scale))), nil)
		if scale < logfile.OrderingDecimalScale {
			n.Quo(n, shift)
		} else {
			n.Mul(n, shift)
		}
		return merge.DecimalValue(decimal128.FromBigInt(n))
	}
	return merge.Value{}
}

// Ordering is the delete-block form of a row's ordering value. A row without one gets the
// integer 0, by which real Hudi deletes unconditionally. Dates, times and timestamps are
// written as the numbers that they are in Avro: those are what Spark compares with (of a
// date wrapper it makes an object that it then cannot compare).
func (o Orderings) Ordering(v merge.Value) logfile.Ordering {
	if v.Kind() == merge.Tuple {
		list := make([]logfile.Ordering, len(v.Values()))
		for i, part := range v.Values() {
			list[i] = wrap(part, o.scale(i))
		}
		return logfile.Ordering{Kind: logfile.OrderingList, List: list}
	}
	return wrap(v, o.scale(0))
}

func wrap(v merge.Value, scale int32) logfile.Ordering {
	switch v.Kind() {
	case merge.Bool:
		return logfile.Ordering{Kind: logfile.OrderingBoolean, Int: v.Int64()}
	case merge.Int, merge.Date:
		return logfile.Ordering{Kind: logfile.OrderingInt, Int: v.Int64()}
	case merge.Long, merge.TimeMicros, merge.TimestampMicros:
		return logfile.Ordering{Kind: logfile.OrderingLong, Int: v.Int64()}
	case merge.Float:
		return logfile.Ordering{Kind: logfile.OrderingFloat, Float: v.Float64()}
	case merge.Double:
		return logfile.Ordering{Kind: logfile.OrderingDouble, Float: v.Float64()}
	case merge.Bytes:
		return logfile.Ordering{Kind: logfile.OrderingBytes, Bytes: []byte(v.Text())}
	case merge.String:
		return logfile.Ordering{Kind: logfile.OrderingString, Str: v.Text()}
	case merge.Decimal:
		n := v.Decimal128().BigInt()
		if shift := logfile.OrderingDecimalScale - scale; shift >= 0 {
			n.Mul(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(shift)), nil))
		} else {
			n.Quo(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-shift)), nil))
		}
		return logfile.Ordering{Kind: logfile.OrderingDecimal, Bytes: fixedDecimal(n)}
	}
	return logfile.Ordering{Kind: logfile.OrderingInt}
}

func abs(n int32) int32 {
	if n < 0 {
		return -n
	}
	return n
}

// decimalSize is the bytes of a delete block's decimals: enough for OrderingDecimalPrecision.
var decimalSize = schema.DecimalSize(logfile.OrderingDecimalPrecision)

func fixedDecimal(n *big.Int) []byte {
	out := make([]byte, decimalSize)
	if n.Sign() >= 0 {
		return n.FillBytes(out)
	}
	modulus := new(big.Int).Lsh(big.NewInt(1), uint(8*decimalSize))
	return modulus.Add(modulus, n).FillBytes(out)
}

func twosComplement(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}
