package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hudi-go/hudi-go/hudi"
)

// The exit codes that do not follow from the kind of an error.
const (
	exitDone   = 0
	exitFailed = 1
	exitBug    = 70
)

// Kinds of errors that only commands have.
var (
	errUsage  = errors.New("wrong command line")
	errPartly = errors.New("partly done")
	errFound  = errors.New("problems found")
)

// exitCodes gives the kinds of errors their exit codes; the first that fits counts. Every
// other error exits with exitFailed.
var exitCodes = []struct {
	kind error
	code int
}{
	{errUsage, 2},
	{errPartly, 3},
	{errFound, 5},
	{hudi.ErrConflict, 6},
	{hudi.ErrLockTimeout, 7},
	{hudi.ErrUnsupported, 8},
	{hudi.ErrUnreachable, 10},
}

// kindError is an error of a kind that its text does not name.
type kindError struct {
	error
	kind error
}

func (e kindError) Unwrap() []error { return []error{e.error, e.kind} }

// usagef makes an error of a command line that cannot be.
func usagef(format string, args ...any) error {
	return kindError{fmt.Errorf(format, args...), errUsage}
}

// unsupportedf makes an error of something that the contract has and this release has not.
func unsupportedf(format string, args ...any) error {
	return kindError{fmt.Errorf(format, args...), hudi.ErrUnsupported}
}

// exit tells an error, in one line, and returns the exit code.
func (a *app) exit(err error) int {
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(a.err, "hudictl: "+message(err))
	for _, c := range exitCodes {
		if errors.Is(err, c.kind) {
			return c.code
		}
	}
	return exitFailed
}

// message is an error's text in one line. That an argument is invalid need not be said to
// somebody who reads what is wrong with it.
func message(err error) string {
	text := strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
	text = strings.ReplaceAll(text, "\t", " ")
	text = strings.ReplaceAll(text, ": "+hudi.ErrInvalid.Error(), "")
	text = strings.TrimSuffix(text, " "+hudi.ErrInvalid.Error())
	if errors.Is(err, context.Canceled) {
		text = "interrupted: " + text
	}
	return text
}

// bug tells about a panic: our fault, whatever the command line was.
func (a *app) bug(p any, stack []byte) int {
	if a.globals.verbose {
		fmt.Fprintf(a.err, "%s", stack)
	}
	fmt.Fprintf(a.err, "hudictl: this is a bug: %s; please report it at https://github.com/hudi-go/hudi-go/issues with what the command prints under --verbose\n",
		strings.Join(strings.Fields(fmt.Sprint(p)), " "))
	return exitBug
}
