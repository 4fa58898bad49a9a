package query

import (
	"context"
	"encoding/json"
	"fmt"
	"path"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// splitVersion is the form of splits.
const splitVersion = 1

// The forms in which a task travels, with all that its reading needs besides the table.
type (
	splitForm struct {
		Version int          `json:"version"`
		Options Options      `json:"options"`
		Schema  string       `json:"schema"` // Avro, of the table's rows
		Instant string       `json:"instant"`
		NamesAt string       `json:"namesAt,omitempty"`
		Writes  []string     `json:"writes,omitempty"`
		Slice   sliceForm    `json:"slice"`
		Changes *changesForm `json:"changes,omitempty"`
	}
	sliceForm struct {
		Partition   string     `json:"partition"`
		FileID      string     `json:"fileId"`
		BaseInstant string     `json:"baseInstant"`
		Base        *fileForm  `json:"base,omitempty"`
		Logs        []fileForm `json:"logs,omitempty"`
	}
	changesForm struct {
		Instant string     `json:"instant"`
		Kind    changeKind `json:"kind"`
		Logs    []string   `json:"logs,omitempty"`
		Before  sliceForm  `json:"before"`
		After   sliceForm  `json:"after"`
		Written []fileForm `json:"written,omitempty"`
	}
	fileForm struct {
		Path string `json:"path"`
		Size int64  `json:"size"`
	}
)

// Split makes a task portable: a text from which another process reads the task's rows
// (OpenSplit), the same ones however the table has changed since, as long as the cleaner has
// left the files. The limit of the plan is not part of it.
func (p *Plan) Split(t Task) ([]byte, error) {
	s := splitForm{
		Version: splitVersion, Options: p.asked.options, Schema: p.asked.rows.Avro(), Instant: p.Instant,
		NamesAt: p.asked.at, Writes: p.asked.writes, Slice: formOf(t.Slice),
	}
	if c := t.changes; c != nil {
		s.Changes = &changesForm{
			Instant: c.instant, Kind: c.kind, Logs: c.logs, Before: formOf(c.before), After: formOf(c.after), Written: formsOf(c.written),
		}
	}
	return json.Marshal(s)
}

func formOf(s table.FileSlice) sliceForm {
	f := sliceForm{Partition: s.Partition, FileID: s.FileID, BaseInstant: s.BaseInstant, Logs: formsOf(s.Logs)}
	if s.Base != nil {
		f.Base = &fileForm{s.Base.Path, s.Base.Size}
	}
	return f
}

func formsOf(logs []table.LogFile) []fileForm {
	var out []fileForm
	for _, l := range logs {
		out = append(out, fileForm{l.Path, l.Size})
	}
	return out
}

// OpenSplit makes a plan of the one task of a split. Errors wrap base.ErrInvalid for a text that
// is no split, and base.ErrCorrupt for paths that are not of the table.
func OpenSplit(ctx context.Context, s Source, text []byte) (*Plan, error) {
	var form splitForm
	if err := json.Unmarshal(text, &form); err != nil || form.Version != splitVersion {
		return nil, fmt.Errorf("query %s: the text is no split of version %d: %w", s.Store.URI(), splitVersion, base.ErrInvalid)
	}
	p := &Plan{source: s, Instant: form.Instant}
	if err := p.open(ctx, &form); err != nil {
		return nil, fmt.Errorf("query %s: split: %w", s.Store.URI(), err)
	}
	return p, nil
}

func (p *Plan) open(ctx context.Context, form *splitForm) error {
	if (form.Changes != nil) != (form.Options.View == CDC) {
		return fmt.Errorf("changes are of the view %s, and of no other: %w", CDC, base.ErrInvalid)
	}
	rows, err := schema.Parse(form.Schema)
	if err != nil {
		return err
	}
	o := form.Options
	if o.View == CDC {
		o = Options{Meta: o.Meta}
	}
	if err := p.bind(ctx, o, rows, form.NamesAt); err != nil {
		return err
	}
	if form.Options.View == CDC {
		if err := p.bindChanges(form.Options); err != nil {
			return err
		}
	}
	if form.Options.View == Incremental {
		p.asked.writes = form.Writes
		p.limitTo(form.Writes)
	}
	view := table.NewView(p.source.Config, p.source.Timeline, table.StorageLister(p.source.Store))
	if p.reader.Valid, err = view.Committed(ctx); err != nil {
		return err
	}
	var t Task
	if t.Slice, err = form.Slice.slice(); err != nil {
		return err
	}
	if f := form.Changes; f != nil {
		if t.changes, err = f.changes(); err != nil {
			return err
		}
	}
	p.Tasks = []Task{t}
	return nil
}

func (f *sliceForm) slice() (table.FileSlice, error) {
	s := table.FileSlice{Partition: f.Partition, FileID: f.FileID, BaseInstant: f.BaseInstant}
	if f.Base != nil {
		at, err := base.CleanRelative(f.Base.Path)
		if err != nil {
			return s, err
		}
		name, ok := base.ParseBaseFileName(path.Base(at))
		if !ok {
			return s, fmt.Errorf("%q is no base file: %w", at, base.ErrInvalid)
		}
		s.Base = &table.BaseFile{Path: at, Name: path.Base(at), Instant: name.Instant, Size: f.Base.Size}
	}
	var err error
	s.Logs, err = logsOf(f.Logs)
	return s, err
}

func logsOf(forms []fileForm) ([]table.LogFile, error) {
	var out []table.LogFile
	for _, f := range forms {
		at, err := base.CleanRelative(f.Path)
		if err != nil {
			return nil, err
		}
		name, ok := base.ParseLogFileName(path.Base(at))
		if !ok {
			return nil, fmt.Errorf("%q is no log file: %w", at, base.ErrInvalid)
		}
		out = append(out, table.LogFile{Path: at, Name: name, Size: f.Size})
	}
	return out, nil
}

func (f *changesForm) changes() (*changes, error) {
	if f.Kind > compared || len(f.Instant) == 0 {
		return nil, fmt.Errorf("changes of kind %d of the write %q: %w", f.Kind, f.Instant, base.ErrInvalid)
	}
	c := &changes{instant: f.Instant, kind: f.Kind}
	for _, l := range f.Logs {
		at, err := base.CleanRelative(l)
		if err != nil {
			return nil, err
		}
		c.logs = append(c.logs, at)
	}
	var err error
	if c.before, err = f.Before.slice(); err != nil {
		return nil, err
	}
	if c.after, err = f.After.slice(); err != nil {
		return nil, err
	}
	c.written, err = logsOf(f.Written)
	return c, err
}
