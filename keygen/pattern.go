package keygen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
)

// pattern is a date pattern of Joda-Time's, as hoodie.keygen.timebased.output.dateformat and input.dateformat have them.
type pattern []token

// token is a field of so many letters, or with letter 0 literal text.
type token struct {
	letter byte
	count  int
	text   string
}

// Letters of the fields that can be written, and of those that can be read, of which Z is an offset and no name.
const (
	writtenLetters = "yYxMwdDeEaHhKkmsSZ"
	readLetters    = "yYMdDaHhKkmsSZ"
)

// parsePattern takes a pattern apart. Other letters than those given wrap ErrUnsupported.
func parsePattern(text, letters string) (pattern, error) {
	var p pattern
	for at := 0; at < len(text); {
		c := text[at]
		switch {
		case c == '\'':
			literal, next, err := quoted(text, at)
			if err != nil {
				return nil, err
			}
			p, at = append(p, token{text: literal}), next
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			end := at
			for end < len(text) && text[end] == c {
				end++
			}
			if !strings.Contains(letters, string(c)) || c == 'Z' && end-at > 2 && letters == readLetters {
				return nil, fmt.Errorf("date pattern %q: the letter %c is not known here: %w", text, c, base.ErrUnsupported)
			}
			p, at = append(p, token{letter: c, count: end - at}), end
		default:
			p, at = append(p, token{text: text[at : at+1]}), at+1
		}
	}
	return p, nil
}

// quoted reads text in quotes, in which two quotes stand for one, as they do without text.
func quoted(text string, at int) (literal string, next int, err error) {
	if strings.HasPrefix(text[at:], "''") {
		return "'", at + 2, nil
	}
	for i := at + 1; i < len(text); i++ {
		switch {
		case text[i] != '\'':
			literal += text[i : i+1]
		case strings.HasPrefix(text[i:], "''"):
			literal += "'"
			i++
		default:
			return literal, i + 1, nil
		}
	}
	return "", 0, fmt.Errorf("date pattern %q: a quote is not closed: %w", text, base.ErrInvalid)
}

// append writes a time.
func (p pattern) append(dst []byte, t time.Time) []byte {
	for _, k := range p {
		dst = k.append(dst, t)
	}
	return dst
}

func (k token) append(dst []byte, t time.Time) []byte {
	year, week := t.ISOWeek()
	switch k.letter {
	case 0:
		return append(dst, k.text...)
	case 'y', 'Y', 'x':
		n := t.Year()
		if k.letter == 'x' {
			n = year
		}
		if k.count == 2 {
			return padded(dst, (n%100+100)%100, 2)
		}
		return padded(dst, n, k.count)
	case 'M':
		switch {
		case k.count == 3:
			return append(dst, t.Month().String()[:3]...)
		case k.count > 3:
			return append(dst, t.Month().String()...)
		}
		return padded(dst, int(t.Month()), k.count)
	case 'w':
		return padded(dst, week, k.count)
	case 'd':
		return padded(dst, t.Day(), k.count)
	case 'D':
		return padded(dst, t.YearDay(), k.count)
	case 'e':
		return padded(dst, (int(t.Weekday())+6)%7+1, k.count)
	case 'E':
		if k.count < 4 {
			return append(dst, t.Weekday().String()[:3]...)
		}
		return append(dst, t.Weekday().String()...)
	case 'a':
		return t.AppendFormat(dst, "PM")
	case 'H':
		return padded(dst, t.Hour(), k.count)
	case 'k':
		return padded(dst, (t.Hour()+23)%24+1, k.count)
	case 'K':
		return padded(dst, t.Hour()%12, k.count)
	case 'h':
		return padded(dst, (t.Hour()+11)%12+1, k.count)
	case 'm':
		return padded(dst, t.Minute(), k.count)
	case 's':
		return padded(dst, t.Second(), k.count)
	case 'S':
		digits := fmt.Sprintf("%03d", t.Nanosecond()/1_000_000)
		return append(dst, (digits + strings.Repeat("0", k.count))[:k.count]...)
	case 'Z':
		switch k.count {
		case 1:
			return t.AppendFormat(dst, "-0700")
		case 2:
			return t.AppendFormat(dst, "-07:00")
		}
		return append(dst, t.Location().String()...)
	}
	return dst
}

// padded writes a number with at least so many digits.
func padded(dst []byte, n, digits int) []byte {
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	text := strconv.Itoa(n)
	for range digits - len(text) {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}

// moment is what has been read of a time.
type moment struct {
	year, month, day, yearDay int
	hour, minute, second      int
	halfHour, half            int // of a half day, and which of both; -1 for none
	nanos                     int
	zone                      *time.Location // that the text has, nil for none
}

// parse reads a text that has the form of the pattern. The zone that it does not tell is the one given, and other times that
// it does not tell are the first; but a day without a year is of 2000.
func (p pattern) parse(text string, zone *time.Location) (time.Time, bool) {
	m := moment{year: 1970, month: 1, day: 1, halfHour: -1, half: -1}
	if p.has("MdD") && !p.has("yY") {
		m.year = 2000
	}
	for i, k := range p {
		var ok bool
		if text, ok = k.read(text, &m, i+1 < len(p) && p[i+1].numeric()); !ok {
			return time.Time{}, false
		}
	}
	if text != "" {
		return time.Time{}, false
	}
	if m.halfHour >= 0 {
		m.hour = m.halfHour + 12*max(m.half, 0)
	}
	if m.zone == nil {
		m.zone = zone
	}
	if m.yearDay > 0 {
		m.month, m.day = 1, m.yearDay
	}
	t := time.Date(m.year, time.Month(m.month), m.day, m.hour, m.minute, m.second, m.nanos, m.zone)
	valid := m.month <= 12 && m.hour < 24 && m.minute < 60 && m.second < 60 && t.Year() == m.year && (m.yearDay > 0 || t.Day() == m.day)
	return t, valid
}

// has tells whether there is one of some fields.
func (p pattern) has(letters string) bool {
	return slices.ContainsFunc(p, func(k token) bool { return k.letter != 0 && strings.IndexByte(letters, k.letter) >= 0 })
}

func (k token) numeric() bool {
	return strings.IndexByte("yYDdHhKkmsS", k.letter) >= 0 || k.letter == 'M' && k.count < 3
}

// read takes the token's part off a text. Digits that follow each other are told apart by the number of letters.
func (k token) read(text string, m *moment, digitsFollow bool) (rest string, ok bool) {
	if k.letter == 0 {
		if len(text) < len(k.text) || !strings.EqualFold(text[:len(k.text)], k.text) {
			return "", false
		}
		return text[len(k.text):], true
	}
	switch k.letter {
	case 'a':
		for half, name := range []string{"AM", "PM"} {
			if len(text) >= 2 && strings.EqualFold(text[:2], name) {
				m.half = half
				return text[2:], true
			}
		}
		return "", false
	case 'Z':
		return readZone(text, m)
	case 'M':
		if k.count >= 3 {
			return readMonth(text, m)
		}
	case 'S':
		digits := leading(text, k.count)
		if digits == "" {
			return "", false
		}
		n, err := strconv.Atoi((digits + "000000000")[:9])
		m.nanos = n
		return text[len(digits):], err == nil
	}
	most := 2
	switch {
	case k.letter == 'D':
		most = 3
	case (k.letter == 'y' || k.letter == 'Y') && !digitsFollow:
		most = 9
	case k.letter == 'y' || k.letter == 'Y':
		most = k.count
	}
	digits := leading(text, most)
	n, err := strconv.Atoi(digits)
	if err != nil {
		return "", false
	}
	return text[len(digits):], k.take(n, len(digits), m)
}

// Years of two digits are of the last century or this one. Joda-Time has the border at the year that comes in 20 years, so that
// it moves: those that it is going to come to are refused.
const (
	lastOfThisCentury  = 45
	firstOfLastCentury = 60
)

func (k token) take(n, digits int, m *moment) bool {
	switch k.letter {
	case 'y', 'Y':
		switch {
		case k.count != 2 || digits != 2:
		case n <= lastOfThisCentury:
			n += 2000
		case n >= firstOfLastCentury:
			n += 1900
		default:
			return false
		}
		m.year = n
	case 'M':
		m.month = n
	case 'd':
		m.day = n
	case 'D':
		m.yearDay = n
	case 'H':
		m.hour = n
	case 'k':
		m.hour = n % 24
		return n >= 1 && n <= 24
	case 'K':
		m.halfHour = n
		return n < 12
	case 'h':
		m.halfHour = n % 12
		return n >= 1 && n <= 12
	case 'm':
		m.minute = n
	case 's':
		m.second = n
	}
	return true
}

// leading are the digits that a text begins with, at most so many.
func leading(text string, most int) string {
	n := 0
	for n < len(text) && n < most && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return text[:n]
}

func readMonth(text string, m *moment) (string, bool) {
	for month := time.January; month <= time.December; month++ {
		for _, name := range []string{month.String(), month.String()[:3]} {
			if len(text) >= len(name) && strings.EqualFold(text[:len(name)], name) {
				m.month = int(month)
				return text[len(name):], true
			}
		}
	}
	return "", false
}

// readZone reads Z, +0130, +01:30 or +01.
func readZone(text string, m *moment) (string, bool) {
	if strings.HasPrefix(text, "Z") {
		m.zone = time.UTC
		return text[1:], true
	}
	for _, layout := range []string{"-07:00", "-0700", "-07"} {
		if len(text) < len(layout) {
			continue
		}
		if t, err := time.Parse(layout, text[:len(layout)]); err == nil {
			_, offset := t.Zone()
			m.zone = time.FixedZone("", offset)
			return text[len(layout):], true
		}
	}
	return "", false
}
