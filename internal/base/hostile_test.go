package base

import (
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCleanRelativeRefuses(t *testing.T) {
	for _, p := range []string{
		"..", "../x", "a/..", "a/../b", "a/../../b", "../../etc/passwd", "a/b/../../..", "./../x", "a/./../../x", "a//../x",
		"/", "/etc/passwd", "//host/x", "/..", "/../x", "/./x",
		"file:///etc/passwd", "s3://bucket/x", "hdfs://h:1/x", "://x", "x://",
		"\x00", "a\x00b", "a/\x00/..",
	} {
		_, err := CleanRelative(p)
		require.ErrorIs(t, err, ErrCorrupt, "%q", p)
	}
}

func FuzzCleanRelative(f *testing.F) {
	for _, p := range []string{"", "p=1/.f_1.log.1_0-1-0", "..", "a/../b", "/a", "s3://b/k", "%2e%2e/x", "...", "a//b/./c"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		c, err := CleanRelative(p)
		if err != nil {
			require.ErrorIs(t, err, ErrCorrupt)
			return
		}
		full := path.Join("/table", c)
		require.True(t, full == "/table" || strings.HasPrefix(full, "/table/"), "%q became %q", p, full)
	})
}

func FuzzDataFileNames(f *testing.F) {
	for _, n := range []string{
		"6f3b-0_0-21-34_20261123084339295.parquet", ".6f3b-0_20261123084339295.log.1_0-477-435.cdc",
		".6f3b-0_20261123084339295.log.2_1-0-1", ".a_1.log.99999999999999999999", ".hoodie_partition_metadata",
	} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if n, ok := ParseBaseFileName(name); ok {
			require.Equal(t, name, n.String())
		}
		if n, ok := ParseLogFileName(name); ok {
			again, ok := ParseLogFileName(n.String())
			require.True(t, ok, "%q", n.String())
			require.Equal(t, n, again)
		}
	})
}

func FuzzInstant(f *testing.F) {
	for _, s := range []string{"20261123084339295", "20261123084339", "00000000000000010", "99999999999999999", "20261123084339295001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := ParseInstant(text, time.UTC)
		if err != nil {
			require.ErrorIs(t, err, ErrInvalid)
			return
		}
		if len(text) == 17 {
			require.Equal(t, text, FormatInstant(at, time.UTC))
		}
	})
}

func FuzzPartitionEscapes(f *testing.F) {
	for _, s := range []string{"", "a/b=c", "%2e%2e", "%", "%4", "50%", "é\x00", "%2F..%2f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		escaped := EscapePartition(value)
		require.NotContains(t, escaped, "/")
		require.Equal(t, value, UnescapePartition(escaped))
		UnescapePartition(value)
	})
}
