package expr

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		`a=1`:                             `a = 1`,
		`a == -1.5e3 or b != +.5`:         `a = -1.5e3 OR b <> .5`,
		`5 < a.b and not c >= 2`:          `5 < a.b AND NOT c >= 2`,
		`(a = 1 OR b = 2) AND ((c = 3))`:  `(a = 1 OR b = 2) AND c = 3`,
		`NOT (a = 1 AND b = 2)`:           `NOT (a = 1 AND b = 2)`,
		`not not active`:                  `NOT NOT active`,
		`a in ('x', 'it''s', NULL)`:       `a IN ('x', 'it''s', NULL)`,
		`a NOT IN (1)`:                    `a NOT IN (1)`,
		`a between 1 and 2 and b`:         `(a >= 1 AND a <= 2) AND b`,
		`a not between 'x' and 'y'`:       `NOT (a >= 'x' AND a <= 'y')`,
		`a like 'x\%%' or a like 'é'`:     `a LIKE 'x\%%' OR a LIKE 'é'`,
		`a NOT LIKE 'x!%' ESCAPE '!'`:     `a NOT LIKE 'x!%' ESCAPE '!'`,
		`a is null or b Is Not Null`:      `a IS NULL OR b IS NOT NULL`,
		"\"a b\".\"in\" = `x``y`":         "\"a b\".\"in\" = \"x`y\"",
		`date = date '2026-01-31'`:        `date = DATE '2026-01-31'`,
		`x = x'0aFF'`:                     `x = X'0AFF'`,
		`t > timestamp '2026-01-31 10:0'`: `t > TIMESTAMP '2026-01-31 10:0'`,
		`t <> TIME '10:20'`:               `t <> TIME '10:20'`,
		`true`:                            `TRUE`,
		`größe > 3 AND _x$1 = FALSE`:      `größe > 3 AND _x$1 = FALSE`,
		`(a) = (1)`:                       `a = 1`,
	} {
		e, err := Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, want, e.String(), text)
		again, err := Parse(want)
		require.NoError(t, err, want)
		require.Equal(t, want, again.String())
	}
	require.Equal(t, "TRUE", Expr{}.String())
}

func TestParseErrors(t *testing.T) {
	deep := ""
	for range maxDepth + 1 {
		deep += "("
	}
	for text, want := range map[string]string{
		``:                       `position 1: the condition is empty`,
		`a =`:                    `position 4: expected a column or a literal, found the end of the text`,
		`a = 1 b`:                `position 7: expected AND, OR or the end of the text, found 'b'`,
		`é = 'x`:                 `position 5: the string is not closed with '`,
		`"a = 1`:                 `position 1: the quoted name is not closed with "`,
		`"" = 1`:                 `position 1: a quoted name is empty`,
		`(a = 1`:                 `position 7: expected ) to close the ( at position 1, found the end of the text`,
		`a # 1`:                  `position 3: unexpected character '#'`,
		`1 = 2`:                  `position 1: one side of the comparison must be a column`,
		`(a = 1) = 2`:            `position 2: only columns and literals can be compared, not conditions`,
		`a IN 1`:                 `position 6: expected ( after IN, found '1'`,
		`a IN (1`:                `position 8: expected , or ) in the list, found the end of the text`,
		`a IN (b)`:               `position 7: expected a literal in the list, found the name b (put text in 'single quotes')`,
		`a IN ()`:                `position 7: expected a literal in the list, found ')'`,
		`a LIKE b`:               `position 8: expected a pattern in 'quotes' after LIKE, found 'b'`,
		`a LIKE 'x' ESCAPE 'ab'`: `position 19: expected one character in 'quotes' after ESCAPE, found the string 'ab'`,
		`a LIKE 'x\y'`:           `position 8: the escape character of a LIKE pattern must stand before %, _ or itself: double it`,
		`1 IS NULL`:              `position 1: IS needs a column before it`,
		`a IS 1`:                 `position 6: expected NULL, found '1'`,
		`a NOT 1`:                `position 7: expected IN, LIKE or BETWEEN after NOT, found '1'`,
		`a BETWEEN 1`:            `position 12: expected AND, found the end of the text`,
		`1x = a`:                 `position 1: the number 1 runs into 'x'`,
		`1e = a`:                 `position 1: the number 1e has no digits in its exponent`,
		`a = - b`:                `position 7: expected a number after -, found 'b'`,
		`a. = 1`:                 `position 4: expected a field name after the point, found '='`,
		`a = X'0'`:               `position 6: X'…' needs pairs of hexadecimal digits`,
		`a 'x'`:                  `position 3: expected an operator after the name a, found the string 'x'`,
		deep:                     `position 202: the condition is nested deeper than 200 levels`,
	} {
		_, err := Parse(text)
		require.ErrorContains(t, err, "expr: "+want, text)
		require.ErrorIs(t, err, base.ErrInvalid)
	}
}

func TestBindErrors(t *testing.T) {
	s := parseSchema(t, modelSchema)
	for text, want := range map[string]string{
		`zz = 1`:                    `position 1: schema: no column "zz"`,
		`s = 1`:                     `position 5: column s: 1 cannot be compared with a column of type string: write it in 'single quotes'`,
		`i = '1'`:                   `position 5: column i: '1' cannot be compared with a column of type int: write a number without quotes`,
		`b = 1`:                     `write TRUE or FALSE`,
		`bin = 'x'`:                 `write the bytes as X'0AFF'`,
		`dt > 'yesterday'`:          `position 6: column dt: "yesterday" is not a valid date, write 2026-01-31`,
		`lts > '2026-01-01T00:00Z'`: `names a zone`,
		`i IN (1, 'x')`:             `position 10: column i`,
		`i`:                         `position 1: column i is int and not boolean: compare it with something`,
		`st = 1`:                    `position 1: column st is record: only IS NULL`,
		`st.q = 1`:                  `position 1: schema: no column "q"`,
		`i.q = 1`:                   `position 1: column i is int and has no field "q"`,
		`i LIKE '1'`:                `position 1: column i is int: LIKE needs text`,
		`i = s`:                     `position 5: columns i (int) and s (string) have different types and cannot be compared`,
		`'x'`:                       `position 1: a literal alone is not a condition`,
		`FALSE AND nope = 1`:        `position 11: schema: no column "nope"`,
	} {
		e, err := Parse(text)
		require.NoError(t, err, text)
		_, err = Bind(e, s)
		require.ErrorContains(t, err, want, text)
		require.ErrorContains(t, err, "expr: position")
		require.ErrorIs(t, err, base.ErrInvalid)
	}
}

func TestBindColumns(t *testing.T) {
	e, err := Parse(`ST.X = 1 AND (s = 'x' OR st.s IS NULL) AND I > 0`)
	require.NoError(t, err)
	b, err := Bind(e, parseSchema(t, modelSchema))
	require.NoError(t, err)
	require.Equal(t, []string{"st", "s", "i"}, b.Columns())

	b, err = Bind(Expr{}, parseSchema(t, modelSchema))
	require.NoError(t, err)
	require.Empty(t, b.Columns())
	require.True(t, b.MayMatch(modelStats{}))
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`a = 1 AND NOT (b IN ('x', NULL) OR c LIKE 'a%' ESCAPE '!')`, `st.x BETWEEN -1e3 AND .5`, "`q``` IS NOT NULL", `d > DATE '2026-01-31'`, `bin = X'00'`, `((((a))))`} {
		f.Add(seed)
	}
	s, err := Parse("a")
	require.NoError(f, err)
	require.Equal(f, "a", s.String())
	sch := parseSchema(f, modelSchema)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			require.ErrorIs(t, err, base.ErrInvalid)
			return
		}
		again, err := Parse(e.String())
		require.NoError(t, err, "%q printed as %q", text, e)
		require.Equal(t, e.String(), again.String())
		if b, err := Bind(e, sch); err == nil {
			b.MayMatch(modelStats{})
		}
	})
}
