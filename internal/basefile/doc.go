// Package basefile reads and writes base files: Parquet with the footer that Hudi's readers
// and indexes look at (docs/format/base-files.md).
package basefile
