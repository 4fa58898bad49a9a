package expr

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/schema"
)

func TestValues(t *testing.T) {
	s, err := schema.Parse(`{"type":"record","name":"r","fields":[
		{"name":"k","type":"string"},{"name":"n","type":["null","long"]},
		{"name":"r","type":{"type":"record","name":"r2","fields":[{"name":"k","type":"string"}]}}]}`)
	require.NoError(t, err)
	const none, empty = "none", "empty"
	for where, want := range map[string]string{
		"k = 'a'":                     "'a'",
		"'a' = k":                     "'a'",
		"k IN ('b', 'a', NULL)":       "'a''b'",
		"NOT k <> 'a'":                "'a'",
		"k LIKE 'a'":                  "'a'",
		"k = 'a' AND n > 1":           "'a'",
		"k IN ('a', 'b') AND k = 'c'": "'c'",
		"k = 'a' OR k = 'b'":          "'a''b'",
		"(k = 'a' AND n = 1) OR (n = 2 AND k IN('b'))": "'a''b'",
		"k = 'a' OR n = 1":    none,
		"NOT k = 'a'":         none,
		"k NOT IN ('a', 'b')": none,
		"k > 'a'":             none,
		"k LIKE 'a%'":         none,
		"k IS NULL":           none,
		"r.k = 'a'":           none,
		"k = r.k":             none,
		"TRUE":                none,
		"k = NULL":            empty,
		"FALSE AND k = 'a'":   empty,
	} {
		e, err := Parse(where)
		require.NoError(t, err)
		b, err := Bind(e, s)
		require.NoError(t, err)
		values, ok := b.Values("k")
		got := none
		if ok {
			got = ""
			for _, v := range values {
				got += v.String()
			}
			if got == "" {
				got = empty
			}
		}
		require.Equal(t, want, got, where)
	}
}
