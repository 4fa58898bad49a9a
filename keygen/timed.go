package keygen

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/table"
)

// timed makes folders of times, as Hudi's TimestampBasedKeyGenerator does.
type timed struct {
	unit   time.Duration // of numbers; 0 if there are texts alone
	inputs []pattern     // of texts, of which the first that fits counts; nil if there are numbers alone
	// input is the zone of texts; nil for the one that a text has, or UTC.
	input *time.Location
	out   pattern
	// output is the zone of folders; nil for that of the text, and UTC for numbers.
	output *time.Location
	// nullText stands for null among texts.
	nullText string
}

// newTimed reads the properties hoodie.keygen.timebased.*, of the table or of its writer.
func newTimed(c *table.Config) (*timed, error) {
	property := func(name, preset string) string {
		if v, ok := c.KeyGenProperty("hoodie.keygen.timebased." + name); ok {
			return strings.TrimSpace(v)
		}
		return preset
	}
	fail := func(name string, err error) error {
		return fmt.Errorf("keygen: table %s: hoodie.keygen.timebased.%s: %w", c.Name, name, err)
	}
	if class, ok := c.KeyGenProperty("hoodie.keygen.datetime.parser.class"); ok && !strings.HasSuffix(class, ".HoodieDateTimeParser") {
		return nil, fmt.Errorf("keygen: table %s reads times with %s (hoodie.keygen.datetime.parser.class): %w", c.Name, class, base.ErrUnsupported)
	}
	t := &timed{}
	var err error
	kind := property("timestamp.type", "")
	if t.unit, err = unitOf(kind, property("timestamp.scalar.time.unit", "SECONDS")); err != nil {
		return nil, fail("timestamp.type", err)
	}
	if kind == "DATE_STRING" || kind == "MIXED" {
		delimiter, err := regexp.Compile(property("input.dateformat.list.delimiter.regex", ","))
		if err != nil {
			return nil, fail("input.dateformat.list.delimiter.regex", fmt.Errorf("%w: %w", err, base.ErrInvalid))
		}
		for _, text := range delimiter.Split(property("input.dateformat", ""), -1) {
			p, err := parsePattern(strings.TrimSpace(text), readLetters)
			if err == nil && len(p) == 0 {
				err = fmt.Errorf("texts need a pattern: %w", base.ErrInvalid)
			}
			if err != nil {
				return nil, fail("input.dateformat", err)
			}
			t.inputs = append(t.inputs, p)
		}
	}
	if t.out, err = parsePattern(property("output.dateformat", ""), writtenLetters); err == nil && len(t.out) == 0 {
		err = fmt.Errorf("folders need a pattern: %w", base.ErrInvalid)
	}
	if err != nil {
		return nil, fail("output.dateformat", err)
	}
	for name, zone := range map[string]**time.Location{"input.timezone": &t.input, "output.timezone": &t.output} {
		if *zone, err = location(property("timezone", property(name, ""))); err != nil {
			return nil, fail(name, err)
		}
	}
	if t.inputs != nil {
		null := time.UnixMilli(nullTime).In(cmp.Or(t.input, t.output, time.UTC))
		t.nullText = string(t.inputs[0].append(nil, null))
	}
	return t, nil
}

// unitOf is the unit of numbers.
func unitOf(kind, scalar string) (time.Duration, error) {
	switch kind {
	case "UNIX_TIMESTAMP":
		return time.Second, nil
	case "EPOCHMILLISECONDS":
		return time.Millisecond, nil
	case "EPOCHMICROSECONDS":
		return time.Microsecond, nil
	case "DATE_STRING", "MIXED": // in which releases fail on numbers
		return 0, nil
	case "SCALAR":
		units := map[string]time.Duration{
			"NANOSECONDS": 1, "MICROSECONDS": time.Microsecond, "MILLISECONDS": time.Millisecond, "SECONDS": time.Second,
			"MINUTES": time.Minute, "HOURS": time.Hour, "DAYS": 24 * time.Hour,
		}
		if unit, ok := units[strings.ToUpper(scalar)]; ok {
			return unit, nil
		}
		return 0, fmt.Errorf("the unit %q is not known: %w", scalar, base.ErrInvalid)
	}
	if kind == "" {
		return 0, fmt.Errorf("neither the table nor its writer says what the times are; give it as an option, and the others of hoodie.keygen.timebased.* with it: %w", base.ErrInvalid)
	}
	return 0, fmt.Errorf("%q is none of UNIX_TIMESTAMP, EPOCHMILLISECONDS, EPOCHMICROSECONDS, SCALAR, DATE_STRING and MIXED: %w", kind, base.ErrInvalid)
}

// location finds a time zone, nil for none. (Java takes one that it does not know for GMT.)
func location(id string) (*time.Location, error) {
	if offset, ok := strings.CutPrefix(id, "GMT"); ok && offset != "" {
		for _, layout := range []string{"-07:00", "-0700", "-07", "-7"} {
			if at, err := time.Parse(layout, offset); err == nil {
				_, seconds := at.Zone()
				return time.FixedZone(id, seconds), nil
			}
		}
	}
	switch id {
	case "":
		return nil, nil
	case "GMT":
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(id)
	if err != nil {
		return nil, fmt.Errorf("time zone %q: %w: %w", id, err, base.ErrInvalid)
	}
	return zone, nil
}

// nullTime is what stands for null: the number 1, or the text of a millisecond after the epoch.
const nullTime = 1

// text renders the values of a field as folders.
func (t *timed) text(batch arrow.RecordBatch, name string) (text, error) {
	nulls, col, err := columnOf(batch, name)
	if err != nil {
		return text{}, err
	}
	fail := func(err error) (text, error) { return text{}, fmt.Errorf("keygen: field %q: %w", name, err) }
	number, err := numberOf(col)
	if err != nil {
		return fail(err)
	}
	texts := make([]string, batch.NumRows())
	known := map[any]string{}
	for row := range texts {
		var value any
		var at time.Time
		switch {
		case number == nil && isNull(nulls, row):
			value = t.nullText
		case number == nil:
			value = col.(*array.String).Value(row)
		case isNull(nulls, row):
			value = int64(nullTime)
		default:
			value = number(row)
		}
		folder, ok := known[value]
		if !ok {
			if at, err = t.time(value); err != nil {
				return fail(fmt.Errorf("row %d: %w", row, err))
			}
			folder = string(t.out.append(nil, at))
			if s, ok := value.(string); ok {
				value = strings.Clone(s)
			}
			known[value] = folder
		}
		texts[row] = folder
	}
	return text{write: func(dst []byte, row int) []byte { return append(dst, texts[row]...) }}, nil
}

// time is what a number or a text means, in the zone of folders.
func (t *timed) time(value any) (time.Time, error) {
	at, err := t.parsed(value)
	if t.output != nil {
		at = at.In(t.output)
	}
	return at, err
}

func (t *timed) parsed(value any) (time.Time, error) {
	n, ok := value.(int64)
	if !ok {
		for _, p := range t.inputs {
			at, ok := p.parse(value.(string), cmp.Or(t.input, time.UTC))
			if ok && t.input != nil {
				at = at.In(t.input)
			}
			if ok {
				return at, nil
			}
		}
		if t.inputs == nil {
			return time.Time{}, fmt.Errorf("%q is text, for which hoodie.keygen.timebased.timestamp.type must be DATE_STRING or MIXED: %w", value, base.ErrInvalid)
		}
		return time.Time{}, fmt.Errorf("%q has none of the forms of hoodie.keygen.timebased.input.dateformat: %w", value, base.ErrInvalid)
	}
	switch {
	case t.unit == 0:
		return time.Time{}, fmt.Errorf("%d is a number, for which hoodie.keygen.timebased.timestamp.type must not be DATE_STRING or MIXED: %w", n, base.ErrInvalid)
	case t.unit < time.Millisecond: // towards zero, as Java's TimeUnit converts
		return time.UnixMilli(n / int64(time.Millisecond/t.unit)).UTC(), nil
	}
	factor := int64(t.unit / time.Millisecond)
	if n > math.MaxInt64/factor || n < math.MinInt64/factor {
		return time.Time{}, fmt.Errorf("%d is no time: %w", n, base.ErrInvalid)
	}
	return time.UnixMilli(n * factor).UTC(), nil
}

// numberOf reads the numbers of a column; it is nil for a column of texts.
func numberOf(col arrow.Array) (func(row int) int64, error) {
	switch a := col.(type) {
	case *array.String:
		return nil, nil
	case *array.Int64:
		return a.Value, nil
	case *array.Int32:
		return func(row int) int64 { return int64(a.Value(row)) }, nil
	case *array.Float64:
		return func(row int) int64 { return int64(a.Value(row)) }, nil
	case *array.Float32:
		return func(row int) int64 { return int64(a.Value(row)) }, nil
	case *array.Date32: // its day
		return func(row int) int64 { return int64(a.Value(row)) }, nil
	case *array.Timestamp: // the stored number
		return func(row int) int64 { return int64(a.Value(row)) }, nil
	case *array.Decimal128: // without its fraction
		scale := a.DataType().(*arrow.Decimal128Type).Scale
		return func(row int) int64 { return a.Value(row).ReduceScaleBy(scale, false).BigInt().Int64() }, nil
	}
	return nil, fmt.Errorf("type %s as a time in a partition: %w", col.DataType(), base.ErrUnsupported)
}
