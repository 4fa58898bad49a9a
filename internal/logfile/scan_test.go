package logfile

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
)

// file makes a log file of blocks described by words: "5" is a data block of instant 5,
// "5-" a delete block, "7!5" a rollback of 5 by 7, "9=3,4" a block of log compaction 9 that
// replaces 3 and 4, "cdc5" a change log block, "torn" an unfinished one.
func file(words string) *Reader {
	var data []byte
	for word := range strings.FieldsSeq(words) {
		switch {
		case word == "torn":
			data = append(data, block("0", "torn")[:40]...)
		case strings.HasPrefix(word, "cdc"):
			data = AppendBlock(data, CDCData, map[HeaderKey]string{HeaderInstant: word[3:]}, nil)
		case strings.Contains(word, "!"):
			by, target, _ := strings.Cut(word, "!")
			data = AppendBlock(data, Command, map[HeaderKey]string{HeaderInstant: by, HeaderTarget: target, HeaderCommand: CommandRollback}, nil)
		case strings.Contains(word, "="):
			by, times, _ := strings.Cut(word, "=")
			data = AppendBlock(data, AvroData, map[HeaderKey]string{HeaderInstant: by, HeaderCompacted: times}, nil)
		case strings.HasSuffix(word, "-"):
			data = AppendBlock(data, Delete, map[HeaderKey]string{HeaderInstant: word[:1]}, nil)
		default:
			data = AppendBlock(data, AvroData, map[HeaderKey]string{HeaderInstant: word}, nil)
		}
	}
	return open("f", data)
}

func TestScan(t *testing.T) {
	none := func(list ...string) func(string) bool {
		return func(instant string) bool { return !slices.Contains(list, instant) }
	}
	for name, tc := range map[string]struct {
		files   []string
		options ScanOptions
		want    string
	}{
		"all in order":                    {[]string{"1 1- 2", "3"}, ScanOptions{}, "1 1- 2 3"},
		"corrupt and change log blocks":   {[]string{"1 torn 2 cdc3"}, ScanOptions{}, "1 2"},
		"latest":                          {[]string{"1 2 3", "2"}, ScanOptions{Latest: "2"}, "1 2 2"},
		"valid":                           {[]string{"1 2 3"}, ScanOptions{Valid: none("2")}, "1 3"},
		"in range":                        {[]string{"1 2 3"}, ScanOptions{InRange: none("1", "3")}, "2"},
		"rollback":                        {[]string{"1 2 2- 3", "4!2"}, ScanOptions{}, "1 3"},
		"rollback of what follows":        {[]string{"1", "4!2", "2"}, ScanOptions{}, "1 2"},
		"rollback and reuse":              {[]string{"1 2", "4!1", "1"}, ScanOptions{}, "2 1"},
		"rollback later than latest":      {[]string{"1 2", "4!2"}, ScanOptions{Latest: "3"}, "1"},
		"rollback by an invalid instant":  {[]string{"1 2", "4!2"}, ScanOptions{Valid: none("4")}, "1"},
		"rollback of nothing":             {[]string{"1", "4!2"}, ScanOptions{}, "1"},
		"blocks of one instant gather":    {[]string{"1 2", "1"}, ScanOptions{}, "1 1 2"},
		"log compaction":                  {[]string{"1 2 3", "4=1,2,3", "5"}, ScanOptions{}, "4 5"},
		"log compaction newest first":     {[]string{"1 2 3", "4=3,2,1", "5"}, ScanOptions{}, "4 5"},
		"log compaction of several parts": {[]string{"1 2", "4=1,2 4=1,2 4-", "5"}, ScanOptions{}, "4 4 4- 5"},
		"log compaction of some":          {[]string{"1 2 3", "4=1,2"}, ScanOptions{}, "4 3"},
		"log compaction twice":            {[]string{"1 2", "3=1,2", "4", "5=3,4"}, ScanOptions{}, "5"},
		"log compaction too late":         {[]string{"1 2", "4=1,2"}, ScanOptions{Latest: "3"}, "1 2"},
		"log compaction rolled back":      {[]string{"1 2", "4=1,2", "5!4"}, ScanOptions{}, "1 2"},
		"nothing":                         {nil, ScanOptions{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var readers []*Reader
			for _, words := range tc.files {
				readers = append(readers, file(words))
			}
			blocks, err := Scan(readers, tc.options)
			require.NoError(t, err)
			var got []string
			for _, b := range blocks {
				word := b.Instant()
				if b.Type == Delete {
					word += "-"
				}
				got = append(got, word)
			}
			require.Equal(t, tc.want, strings.Join(got, " "))
		})
	}
}

func TestScanErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		typ    BlockType
		header map[HeaderKey]string
		want   error
	}{
		"no instant":       {AvroData, nil, base.ErrCorrupt},
		"unknown command":  {Command, map[HeaderKey]string{HeaderCommand: "1", HeaderTarget: "1"}, base.ErrUnsupported},
		"rollback of what": {Command, map[HeaderKey]string{HeaderCommand: CommandRollback}, base.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Scan([]*Reader{open("f", AppendBlock(nil, tc.typ, tc.header, nil))}, ScanOptions{})
			require.ErrorIs(t, err, tc.want)
		})
	}
	_, err := Scan([]*Reader{open("f", []byte("no log file"))}, ScanOptions{})
	require.ErrorIs(t, err, base.ErrCorrupt)
}
