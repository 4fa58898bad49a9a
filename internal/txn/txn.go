package txn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/lock"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Txn is one instant on its way from requested to completed. It belongs to one goroutine,
// except that Mark may be called from several.
type Txn struct {
	Instant string
	Action  timeline.Action

	table  *table.Handle
	heart  *heartbeat
	begun  *timeline.Timeline // what the table was when the transaction began
	config *table.Config      // and its properties; nil for a plan that is taken up again
	of     *table.Config      // and its properties, of such a plan too

	gathered *metadata.Gathered

	partitions sync.Map // paths of partitions whose metafile is known to exist

	records   *metadata.Records // changes of the record index, nil unless they are gathered
	secondary secondaries       // changes of secondary indexes
	budget    *mem.Budget       // of these, nil if nobody said
}

// beginTries bounds how often Begin takes another time after an unknown outcome.
const beginTries = 5

// Begin opens a new instant with the given content of its requested file (nil for most
// actions). The heartbeat runs until Commit or Close.
func Begin(ctx context.Context, h *table.Handle, action timeline.Action, content []byte) (*Txn, error) {
	return BeginRows(ctx, h, action, content, nil)
}

// BeginRows is Begin for a write of rows of that schema, nil for what is not known. A table
// without rows that is to get statistics begins them with it.
func BeginRows(ctx context.Context, h *table.Handle, action timeline.Action, content []byte, rows *schema.Schema) (*Txn, error) {
	t := &Txn{Action: action, table: h}
	err := prepared(ctx, h, rows, func(c *table.Config, tl *timeline.Timeline, _ *lock.Held) error {
		t.config, t.of = c, c
		return t.open(ctx, tl, content)
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// open takes a time and puts the requested file. The caller holds the lock.
func (t *Txn) open(ctx context.Context, tl *timeline.Timeline, content []byte) error {
	for range beginTries {
		instant, err := NextTime(t.table, tl)
		if err != nil {
			return err
		}
		err = t.openAt(ctx, tl, instant, content)
		taken := errors.Is(err, base.ErrConflict) && !errors.Is(err, errRestoring)
		if !taken && !errors.Is(err, base.ErrUnknownOutcome) {
			return err
		}
		// Somebody without the lock took the very time, or nobody knows whether the request
		// is there. Take another time; a request without a writer is undone as dead.
		if tl, err = tl.Reload(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("txn: no free instant time in %s after %d tries: %w", t.table.Store.URI(), beginTries, base.ErrConflict)
}

var errRestoring = errors.New("a restore is under way; finish it first")

func (t *Txn) openAt(ctx context.Context, tl *timeline.Timeline, instant string, content []byte) error {
	for _, i := range tl.Pending() {
		if i.Action == timeline.Restore {
			return fmt.Errorf("txn: %s: restore %s: %w: %w", t.table.Store.URI(), i.Time, errRestoring, base.ErrConflict)
		}
	}
	heart, err := startHeartbeat(ctx, t.table, instant)
	if err != nil {
		return err
	}
	if err := tl.Request(ctx, instant, t.Action, content); err != nil {
		return errors.Join(fmt.Errorf("txn: request %s: %w", instant, err), heart.stop(ctx, errors.Is(err, base.ErrConflict)))
	}
	t.Instant, t.heart, t.begun = instant, heart, tl
	return nil
}

// Timeline is the timeline as it was when the transaction began.
func (t *Txn) Timeline() *timeline.Timeline { return t.begun }

// Gather prepares for what writers of the transaction's files know of them, whose rows have that
// schema. Commit notes it in the metadata table; nil is nothing to gather.
func (t *Txn) Gather(ctx context.Context, rows *schema.Schema) (*metadata.Gathered, error) {
	var err error
	t.gathered, err = metadata.Source{Store: t.table.Store, Config: t.of, Timeline: t.begun}.Gather(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("txn: %s: %w", t.Instant, err)
	}
	return t.gathered, nil
}

// Start puts the inflight file, after which data files may be written.
func (t *Txn) Start(ctx context.Context, content []byte) error {
	if err := t.begun.Inflight(ctx, t.Instant, t.Action, content); err != nil {
		return fmt.Errorf("txn: start %s: %w", t.Instant, err)
	}
	return nil
}

// Close ends a transaction that was not committed. It removes nothing but the heartbeat:
// from then on the instant counts as dead, and recovery undoes it. After Commit it does
// nothing.
func (t *Txn) Close(ctx context.Context) error {
	if t.heart == nil {
		return nil
	}
	h := t.heart
	t.heart = nil
	if err := t.closeRecords(); err != nil {
		t.table.Log.Warn("spill file left behind", "error", err)
	}
	// The file stays, to be removed by recovery; on stores without file locks an early
	// removal would make the instant look like one of Spark's.
	return h.stop(ctx, false)
}

// Check is called under the lock with the timeline at the time of publishing. An error
// makes the transaction fail.
type Check func(now *timeline.Timeline) error

// Commit publishes. It returns the completion time. On an error that does not wrap
// base.ErrUnknownOutcome the instant is not completed and never will be by this
// transaction; the caller closes it and has recovery undo it.
func (t *Txn) Commit(ctx context.Context, meta *timeline.CommitMetadata, checks ...Check) (completion string, err error) {
	if t.begun.Layout() == timeline.Layout1 { // Hudi 0.15 has no such property
		for _, s := range meta.Stats() {
			s.PrevBaseFile = ""
		}
	}
	content, err := meta.Encode(t.begun.Layout())
	if err != nil {
		return "", fmt.Errorf("txn: metadata of %s: %w", t.Instant, err)
	}
	if err := t.prepareRecords(ctx, meta); err != nil {
		return "", fmt.Errorf("txn: record index of %s: %w", t.Instant, err)
	}
	if err := t.prepareSecondary(ctx, meta); err != nil {
		return "", fmt.Errorf("txn: secondary indexes of %s: %w", t.Instant, err)
	}
	note := func(s metadata.Source) (*metadata.Update, error) {
		u, err := s.Commit(ctx, meta, t.gathered)
		if err == nil {
			err = t.noteRecords(ctx, s, u, meta)
		}
		if err == nil {
			err = t.noteSecondary(ctx, s, u, meta)
		}
		return u, err
	}
	all := append([]Check{func(now *timeline.Timeline) error { return t.conflicts(ctx, now, meta) }}, checks...)
	return t.publish(ctx, content, note, func() error { return t.reconcile(ctx, meta) }, all)
}

// Note says, under the lock, what an instant changes in the metadata table.
type Note func(s metadata.Source) (*metadata.Update, error)

// Complete publishes an action that writes no data files, such as a clean.
func (t *Txn) Complete(ctx context.Context, content []byte, note Note, checks ...Check) (completion string, err error) {
	return t.publish(ctx, content, note, func() error { return nil }, checks)
}

func (t *Txn) publish(ctx context.Context, content []byte, note Note, prepare func() error, checks []Check) (completion string, err error) {
	err = locked(ctx, t.table, func(c *table.Config, now *timeline.Timeline, held *lock.Held) error {
		if err := t.standing(ctx, now); err != nil {
			return err
		}
		if err := t.oldest(now); err != nil {
			return err
		}
		for _, check := range checks {
			if err := check(now); err != nil {
				return err
			}
		}
		if err := prepare(); err != nil {
			return err
		}
		if err := noteMetadata(ctx, t.table, c, now, t.Instant, note); err != nil {
			return err
		}
		if completion, err = NextTime(t.table, now); err != nil {
			return err
		}
		// A writer whose clock is behind by up to Skew must not get a smaller completion
		// time after this one has become visible.
		if err := wait(ctx, t.table.Skew); err != nil {
			return err
		}
		if !t.mayPublish(held) {
			return fmt.Errorf("txn: publish %s: this writer was held up for so long that others may take it for dead: %w", t.Instant, base.ErrConflict)
		}
		return t.complete(ctx, now, held, completion, content)
	})
	if err != nil {
		return "", err
	}
	t.finish(ctx)
	return completion, nil
}

// publishMargin is how long the lock and the heartbeat must stay valid when the completed
// file is put, and how long putting it may take.
const publishMargin = 5 * time.Second

// mayPublish tells whether the completed file may be put now.
func (t *Txn) mayPublish(held *lock.Held) bool {
	return held.Valid(publishMargin) && t.heart.valid(publishMargin)
}

// standing makes sure that nobody has undone this transaction.
func (t *Txn) standing(ctx context.Context, now *timeline.Timeline) error {
	i, ok := now.Find(t.Instant, t.Action)
	if !ok || i.Done() || !now.Has(t.Instant, t.Action, timeline.Inflight) {
		return fmt.Errorf("txn: %s was taken for dead and undone by another writer: %w", t.Instant, base.ErrConflict)
	}
	for _, i := range now.Instants() {
		if i.Action != timeline.Rollback || i.Time < t.Instant {
			continue
		}
		if before, ok := t.begun.Find(i.Time, timeline.Rollback); ok && before.Done() {
			continue // of an earlier execution of the same plan
		}
		plan, err := now.RollbackPlan(ctx, i.Time)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a rollback whose plan is gone has ended
		}
		if err != nil {
			return err
		}
		if plan.Instant != nil && plan.Instant.Time == t.Instant {
			return fmt.Errorf("txn: %s is being rolled back by another writer (%s): %w", t.Instant, i.Time, base.ErrConflict)
		}
	}
	return nil
}

// oldest makes sure that no write that may have files is older than the table's first
// completed one. Real Hudi takes what is older than that for archived, hence completed, and
// its readers would show those files.
func (t *Txn) oldest(now *timeline.Timeline) error {
	if !t.Action.Writes() {
		return nil
	}
	for _, i := range now.Writes() {
		switch {
		case i.Done() || i.Time >= t.Instant:
			return nil
		case i.State == timeline.Inflight:
			return fmt.Errorf("txn: publish %s: the write %s of another writer is under way, and none was completed before it, so that real Hudi would show its files; try again when it has finished, or when its heartbeat is older than %v: %w",
				t.Instant, i.Time, missedBeats*t.table.Beat+t.table.Skew, base.ErrConflict)
		}
	}
	return nil
}

// truthTries bounds the search for the truth after an unknown outcome.
const truthTries = 6

// complete puts the completed file. Its name and bytes are fixed, so that trying again
// cannot make a second one. None is begun unless the lock outlasts it.
func (t *Txn) complete(ctx context.Context, now *timeline.Timeline, held *lock.Held, completion string, content []byte) error {
	put := func(tl *timeline.Timeline) error {
		ctx, cancel := context.WithTimeout(ctx, publishMargin)
		defer cancel()
		return tl.Complete(ctx, t.Instant, t.Action, completion, content)
	}
	err := put(now)
	if err == nil || errors.Is(err, base.ErrConflict) {
		return err
	}
	// The put may or may not have happened. Ask the timeline until it answers.
	pause := 10 * time.Millisecond
	for range truthTries {
		if wait(ctx, pause) != nil {
			break
		}
		pause *= 4
		tl, lookErr := now.Reload(ctx)
		if lookErr != nil {
			continue
		}
		if i, ok := tl.Find(t.Instant, t.Action); ok && i.Done() {
			return nil
		}
		if !t.mayPublish(held) {
			continue
		}
		if retryErr := put(tl); retryErr == nil || errors.Is(retryErr, base.ErrConflict) {
			return retryErr
		}
	}
	return fmt.Errorf("txn: publish %s of %s: %w (%w); look at the timeline before you write again", t.Instant, t.table.Store.URI(), base.ErrUnknownOutcome, err)
}

// finish removes what only a pending instant needs. What stays because of an error is
// removed with the next recovery, so it is no failure of the commit.
func (t *Txn) finish(ctx context.Context) {
	if err := RemoveMarkers(ctx, t.table.Store, t.Instant); err != nil {
		t.table.Log.Warn("markers left behind", "instant", t.Instant, "error", err)
	}
	if err := t.closeRecords(); err != nil {
		t.table.Log.Warn("spill file left behind", "error", err)
	}
	h := t.heart
	t.heart = nil
	if err := h.stop(ctx, true); err != nil {
		t.table.Log.Warn("heartbeat left behind", "instant", t.Instant, "error", err)
	}
}

// reconcile removes data files that attempts of this transaction have announced and that
// are not part of its result.
func (t *Txn) reconcile(ctx context.Context, meta *timeline.CommitMetadata) error {
	marked, err := Marked(ctx, t.table.Store, t.Instant)
	if err != nil {
		return err
	}
	result := map[string]bool{}
	for _, s := range meta.Stats() {
		result[s.Path] = true
		for path := range s.CDCStats {
			result[path] = true
		}
	}
	for _, path := range marked {
		if result[path] {
			continue
		}
		if !Writes(storage.Entry{Name: baseName(path)}, t.Instant) {
			return fmt.Errorf("txn: marker of %s names %s, which is no file of that instant: %w", t.Instant, path, base.ErrCorrupt)
		}
		if err := t.table.Store.Delete(ctx, path); err != nil {
			return fmt.Errorf("txn: remove leftover %s: %w", path, err)
		}
	}
	return nil
}
