package main

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// logger is where the library tells what fails nothing: warnings, and more with --verbose.
func (a *app) logger() *slog.Logger {
	level := slog.LevelWarn
	switch {
	case a.globals.quiet:
		return slog.New(slog.DiscardHandler)
	case a.globals.verbose:
		level = slog.LevelDebug
	}
	return slog.New(lineHandler{out: &lockedWriter{w: a.err}, level: level})
}

// lineHandler writes records as lines for people: "warning: text (key value, key value)".
type lineHandler struct {
	out   *lockedWriter
	level slog.Level
	attrs []slog.Attr
}

// lockedWriter lets loggers side by side write whole lines.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (h lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

func (h lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.attrs = append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)
	return h
}

// WithGroup ignores the group: the names of attributes are clear without.
func (h lineHandler) WithGroup(string) slog.Handler { return h }

func (h lineHandler) Handle(_ context.Context, r slog.Record) error {
	word := strings.ToLower(r.Level.String())
	if r.Level == slog.LevelWarn {
		word = "warning"
	}
	var attrs []string
	add := func(at slog.Attr) bool {
		attrs = append(attrs, at.Key+" "+at.Value.String())
		return true
	}
	for _, at := range h.attrs {
		add(at)
	}
	r.Attrs(add)
	line := word + ": " + r.Message
	if len(attrs) > 0 {
		line += " (" + strings.Join(attrs, ", ") + ")"
	}
	line = strings.ReplaceAll(line, "\n", "; ") + "\n"
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	_, err := io.WriteString(h.out.w, line)
	return err
}
