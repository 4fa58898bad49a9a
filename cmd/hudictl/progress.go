package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// The values of --progress. Auto is a line that is rewritten on a terminal, else plain.
const (
	progressAuto  = "auto"
	progressPlain = "plain"
	progressJSON  = "json"
	progressNone  = "none"
)

// How often progress is told, on a terminal and elsewhere.
const (
	everyOnTerminal = 200 * time.Millisecond
	everyElsewhere  = 10 * time.Second
)

// progress tells on stderr how far a long command is. It is not safe for concurrent use.
type progress struct {
	app   *app
	mode  string // "" for nothing
	every time.Duration
	begun time.Time
	next  time.Time
	shown bool // a line that is to be rewritten stands on the terminal
}

// progress begins to tell about a command.
func (a *app) progress() *progress {
	now := time.Now()
	p := &progress{app: a, mode: a.globals.progress, every: everyElsewhere, begun: now}
	switch {
	case a.globals.quiet || p.mode == progressNone:
		p.mode = ""
	case p.mode == progressAuto && a.errTerminal:
		p.every = everyOnTerminal
	case p.mode == progressAuto:
		p.mode = progressPlain
	}
	p.next = now.Add(p.every)
	return p
}

// tell reports if it is time to. say makes the line for people, and what is written as one
// JSON object otherwise.
func (p *progress) tell(say func(since time.Duration) (line string, object any)) {
	now := time.Now()
	if p.mode == "" || now.Before(p.next) {
		return
	}
	p.next = now.Add(p.every)
	line, object := say(now.Sub(p.begun))
	switch p.mode {
	case progressJSON:
		if data, err := json.Marshal(object); err == nil {
			fmt.Fprintf(p.app.err, "%s\n", data)
		}
	case progressPlain:
		fmt.Fprintln(p.app.err, line)
	default:
		fmt.Fprintf(p.app.err, "\r\x1b[K%s", line)
		p.shown = true
	}
}

// end takes the line on the terminal away.
func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.app.err, "\r\x1b[K")
		p.shown = false
	}
}
