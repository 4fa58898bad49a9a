// Command hudictl works with Apache Hudi tables: it makes, fills, queries and maintains
// them. What its commands print, and how they exit, is fixed in docs/contract.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	_ "github.com/hudi-go/hudi-go/storage/blob" // s3:// and s3a://
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], standardStreams())
	stop()
	os.Exit(code)
}
