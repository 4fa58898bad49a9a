package logfile

import (
	"fmt"
	"io"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/hfile"
)

// HFile opens the HFile that is the content of an HFileData block. It is read in place:
// only the blocks that are asked for, as long as the io.ReaderAt of the block's Reader is
// good.
func (b *Block) HFile() (*hfile.Reader, error) {
	if b.Type != HFileData {
		return nil, fmt.Errorf("logfile: %s: %s block at offset %d holds no HFile: %w", b.File, b.Type, b.Offset, base.ErrInvalid)
	}
	name := fmt.Sprintf("%s: HFile at offset %d", b.File, b.contentOffset)
	return hfile.Open(name, io.NewSectionReader(b.r, b.contentOffset, b.contentSize), b.contentSize)
}
