package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/peterh/liner"

	"github.com/hudi-go/hudi-go/internal/rowio"
	"github.com/hudi-go/hudi-go/query/sql"
)

// The prompts: of a new statement, and of one that goes on.
const (
	promptNew  = "hudi> "
	promptMore = " ...> "
)

const promptHelp = `A statement ends with a semicolon. Tab completes names and keywords, Ctrl-C ends a statement, Ctrl-D the prompt.
.tables          list the tables
.schema NAME     list the columns of a table
.mode FORMAT     how answers are printed: table, jsonl or csv
.timer on|off    tell how long statements take
.help            this
.quit            leave
`

// historyFile keeps what was typed, in the user's folder for what programs remember; "" when
// there is none.
func historyFile() string {
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "hudictl", "sql_history")
}

// prompt reads statements from a person until the end of the input. An error of a statement
// is told, and does not end the prompt.
func (s *sqlSession) prompt(ctx context.Context) error {
	if err := s.db.Prepare(ctx); err != nil {
		return err
	}
	line := liner.NewLiner()
	defer line.Close()
	line.SetCtrlCAborts(true)
	line.SetTabCompletionStyle(liner.TabPrints)
	pending := ""
	line.SetWordCompleter(func(text string, at int) (head string, words []string, tail string) {
		return s.complete(pending, text[:min(at, len(text))], text[min(at, len(text)):])
	})
	history := historyFile()
	if f, err := os.Open(history); err == nil {
		_, _ = line.ReadHistory(f) // without it the prompt works as well
		_ = f.Close()              // a convenience
	}
	defer saveHistory(line, history)
	// For the program an interrupt is the end; here it is that of the statement that runs.
	signal.Reset(os.Interrupt)
	s.interrupts = make(chan os.Signal, 1)
	signal.Notify(s.interrupts, os.Interrupt)
	defer signal.Stop(s.interrupts)
	s.timer = true
	fmt.Fprintf(s.app.err, "%s; .help tells more\n", plural(int64(len(s.names)), "table", "tables"))
	for {
		prompt := promptNew
		if pending != "" {
			prompt = promptMore
		}
		text, err := line.Prompt(prompt)
		switch {
		case errors.Is(err, liner.ErrPromptAborted):
			pending = ""
			continue
		case errors.Is(err, io.EOF):
			fmt.Fprintln(s.app.err)
			return nil
		case err != nil:
			return fmt.Errorf("read a statement: %w", err)
		}
		if strings.TrimSpace(text) == "" && pending == "" {
			continue
		}
		line.AppendHistory(text)
		if command := strings.TrimSpace(text); pending == "" && strings.HasPrefix(command, ".") {
			if !s.command(ctx, command) {
				return nil
			}
			continue
		}
		pending += text + "\n"
		if statements, done := sql.Split(pending); done {
			pending = ""
			s.answer(ctx, statements)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func saveHistory(line *liner.State, name string) {
	if name == "" || os.MkdirAll(filepath.Dir(name), 0o700) != nil {
		return
	}
	if f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); err == nil {
		_, _ = line.WriteHistory(f) // a convenience
		_ = f.Close()               // a convenience
	}
}

// answer runs statements; an interrupt ends the one that runs, not the prompt.
func (s *sqlSession) answer(ctx context.Context, statements []string) {
	select {
	case <-s.interrupts: // it came when the statement before had ended
	default:
	}
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	watching.Go(func() {
		select {
		case <-s.interrupts:
			cancel()
		case <-ctx.Done():
		}
	})
	for _, statement := range statements {
		if err := s.run(ctx, statement); err != nil {
			fmt.Fprintln(s.app.err, message(err))
			return
		}
	}
}

// command carries out a line that begins with a dot. It returns false to leave.
func (s *sqlSession) command(ctx context.Context, line string) bool {
	words := strings.Fields(strings.TrimSuffix(line, ";"))
	word := ""
	if len(words) > 1 {
		word = words[1]
	}
	switch words[0] {
	case ".quit", ".exit":
		return false
	case ".help":
		fmt.Fprint(s.app.err, promptHelp)
	case ".tables":
		for _, name := range s.names {
			fmt.Fprintln(s.app.out, name)
		}
	case ".schema":
		s.answer(ctx, []string{`DESCRIBE "` + strings.ReplaceAll(word, `"`, `""`) + `"`})
	case ".timer":
		s.timer = word != "off"
	case ".mode":
		if modes := []string{outputTable, string(rowio.JSONL), string(rowio.CSV)}; slices.Contains(modes, word) {
			s.output = rowio.Format(word)
		} else {
			fmt.Fprintf(s.app.err, "use .mode %s\n", alternatives(modes))
		}
	default:
		fmt.Fprintf(s.app.err, "there is no %s; .help lists what there is\n", words[0])
	}
	return true
}

// complete proposes how to go on with the text before the cursor, the last line of a statement:
// what begins with the word there. (DuckDB also has what is only like it, for which the prompt
// would take back what was typed.)
func (s *sqlSession) complete(pending, before, after string) (head string, words []string, tail string) {
	from := len(before)
	for _, c := range s.db.Complete(pending + before) {
		if at := c.From - len(pending); at >= 0 && at <= len(before) {
			word := before[at:]
			begins := len(c.Text) >= len(word) && strings.EqualFold(c.Text[:len(word)], word)
			if !begins || len(words) > 0 && at != from {
				continue
			}
			from = at
			words = append(words, word+c.Text[len(word):])
		}
	}
	return before[:from], words, after
}
