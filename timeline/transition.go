package timeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
)

// Request makes the requested file of a new instant. The time must be the caller's own
// choice, taken under the table's lock: a file that exists wraps base.ErrConflict. An
// answer that does not tell whether the file was made wraps base.ErrUnknownOutcome; the
// caller then takes another time.
func (t *Timeline) Request(ctx context.Context, time string, a Action, content []byte) error {
	name := t.layout.FileName(time, a, Requested, "")
	err := t.store.PutIfAbsent(ctx, t.path(name), content)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		return t.errorf(name, "exists already, another writer took this time: %w", base.ErrConflict)
	case definite(err):
		return t.errorf(name, "%w", err)
	}
	return t.errorf(name, "%w: %w", base.ErrUnknownOutcome, err)
}

// Inflight makes the inflight file of a requested instant (of a new one for savepoints,
// which are never requested). A requested file that is gone, or an inflight file with
// other content, wraps base.ErrConflict; one with the same content is success. An answer
// that does not tell wraps base.ErrUnknownOutcome: the same call may be made again.
func (t *Timeline) Inflight(ctx context.Context, time string, a Action, content []byte) error {
	name := t.layout.FileName(time, a, Inflight, "")
	if a != Savepoint {
		if err := t.mustExist(ctx, t.layout.FileName(time, a, Requested, ""), name); err != nil {
			return err
		}
	}
	return t.putOnce(ctx, name, content)
}

// Complete makes the completed file of an inflight instant, which commits it. completion
// is used by Layout2 only. The same file with the same content there is success, so that
// a call whose outcome is unknown may be made again with the same arguments. An inflight
// file that is gone (the instant was rolled back), a completed file with other content,
// or one with another completion time, wraps base.ErrConflict. An answer that does not
// tell wraps base.ErrUnknownOutcome: the instant may be committed.
func (t *Timeline) Complete(ctx context.Context, time string, a Action, completion string, content []byte) error {
	if t.layout == Layout2 && !base.IsDigits(completion) {
		return fmt.Errorf("timeline: complete %s %s: completion time %q is not a number: %w", a, time, completion, base.ErrInvalid)
	}
	name := t.layout.FileName(time, a, Completed, completion)
	if err := t.mustExist(ctx, t.layout.FileName(time, a, Inflight, ""), name); err != nil {
		return err
	}
	if t.layout == Layout2 {
		now, err := t.Reload(ctx)
		if err != nil {
			return err
		}
		if i, ok := now.Find(time, a); ok && i.Done() && i.File != name {
			return t.errorf(name, "the instant is completed already, by %s: %w", i.File, base.ErrConflict)
		}
	}
	return t.putOnce(ctx, name, content)
}

// Remove deletes the file of an instant's state; an absent file is no error. For
// Completed the instant is looked up in this picture.
func (t *Timeline) Remove(ctx context.Context, time string, a Action, s State) error {
	name := t.layout.FileName(time, a, s, "")
	if s == Completed {
		i, ok := t.Find(time, a)
		if !ok || !i.Done() {
			return nil
		}
		name = i.File
	}
	if err := t.store.Delete(ctx, t.path(name)); err != nil {
		return t.errorf(name, "remove: %w", err)
	}
	return nil
}

// mustExist checks that the file of the state before is there.
func (t *Timeline) mustExist(ctx context.Context, earlier, name string) error {
	switch _, err := t.store.Stat(ctx, t.path(earlier)); {
	case errors.Is(err, fs.ErrNotExist):
		return t.errorf(name, "%s is gone, the instant was rolled back: %w", earlier, base.ErrConflict)
	case err != nil:
		return t.errorf(name, "look for %s: %w", earlier, err)
	}
	return nil
}

// putOnce makes a file, taking a file with equal content for its own. When the store's
// answer leaves it open whether the file was made, the file is read back.
func (t *Timeline) putOnce(ctx context.Context, name string, content []byte) error {
	err := t.store.PutIfAbsent(ctx, t.path(name), content)
	if err == nil {
		return nil
	}
	if definite(err) && !errors.Is(err, fs.ErrExist) {
		return t.errorf(name, "%w", err)
	}
	found, readErr := storage.ReadFile(ctx, t.store, t.path(name))
	switch {
	case readErr != nil:
		return t.errorf(name, "%w: %w", base.ErrUnknownOutcome, err)
	case bytes.Equal(found, content):
		return nil
	}
	return t.errorf(name, "exists with other content: %w", base.ErrConflict)
}

// definite reports whether a failed operation is known to have had no effect.
func definite(err error) bool {
	return errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid)
}

func (t *Timeline) errorf(name, format string, args ...any) error {
	return fmt.Errorf("timeline: make %s of %s: %w", t.path(name), t.store.URI(), fmt.Errorf(format, args...))
}
