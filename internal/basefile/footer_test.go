package basefile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/stretchr/testify/require"
)

// TestFooterFile reads files by arrow-go as they are and as openFooter shows them, with
// footers within and beyond the bytes that are read at once.
func TestFooterFile(t *testing.T) {
	s := parse(t, recordOf(`{"name":"_hoodie_record_key","type":["null","string"]},{"name":"s","type":["null","string"]}`))
	for _, extra := range []int{1, 2 * tailRead} {
		rows := make([]string, 50)
		for i := range rows {
			rows[i] = fmt.Sprintf(`{"_hoodie_record_key":"k%d","s":%q}`, i, strings.Repeat("é", i))
		}
		data, _ := writeFile(t, WriterOptions{Schema: s, Codec: "zstd", Footer: map[string]string{"extra": strings.Repeat("x", extra)}}, rowsOf(t, memory.DefaultAllocator, s, rows...))
		f, err := openFooter(bytesFile{bytes.NewReader(data)})
		require.NoError(t, err)
		whole, err := file.NewParquetReader(bytes.NewReader(data))
		require.NoError(t, err)
		slim, err := file.NewParquetReader(io.NewSectionReader(f, 0, f.Size()))
		require.NoError(t, err)
		require.Positive(t, whole.MetaData().KeyValueMetadata().Len())
		require.Zero(t, slim.MetaData().KeyValueMetadata().Len())
		require.Equal(t, whole.MetaData().GetCreatedBy(), slim.MetaData().GetCreatedBy())
		require.Equal(t, whole.MetaData().GetRowGroups(), slim.MetaData().GetRowGroups())
		for i, key := range whole.MetaData().KeyValueMetadata().Keys() {
			require.Equal(t, whole.MetaData().KeyValueMetadata().Values()[i], *f.find(key))
		}
		require.Nil(t, f.find("absent"))
		// Any stretch is what the file says, and what follows it.
		all, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
		require.NoError(t, err)
		require.Equal(t, data[:f.at], all[:f.at])
		for range 200 {
			from := rand.IntN(len(all))
			part := make([]byte, rand.IntN(len(all)))
			n, err := f.ReadAt(part, int64(from))
			require.Equal(t, all[from:from+n], part[:n])
			if n < len(part) {
				require.ErrorIs(t, err, io.EOF)
				require.Equal(t, len(all), from+n)
			}
		}
	}
}

func TestWideDecimals(t *testing.T) {
	for width := 1; width <= 16; width++ {
		values := []*big.Int{big.NewInt(0), big.NewInt(1), big.NewInt(-1)}
		edge := new(big.Int).Lsh(big.NewInt(1), uint(8*width-1))
		values = append(values, new(big.Int).Neg(edge), new(big.Int).Sub(edge, big.NewInt(1)))
		var src []byte
		for _, v := range values {
			n := new(big.Int).Set(v)
			if n.Sign() < 0 {
				n.Add(n, new(big.Int).Lsh(edge, 1))
			}
			src = append(src, n.FillBytes(make([]byte, width))...)
		}
		dst := make([]byte, 16*len(values))
		wideDecimals(dst, src, width, true)
		for i, v := range values {
			got := decimal128.New(int64(binary.LittleEndian.Uint64(dst[i*16+8:])), binary.LittleEndian.Uint64(dst[i*16:]))
			require.Equal(t, v.String(), got.BigInt().String(), "%d bytes", width)
		}
	}
}
