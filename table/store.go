package table

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
)

const (
	propertiesPath = base.MetaFolder + "/hoodie.properties"
	backupPath     = propertiesPath + ".backup"

	// Writers that do not replace the file in one step leave it torn for a moment; real
	// Hudi waits as often and as long.
	readAttempts = 5
	readPause    = time.Second
)

// LoadConfig reads a table's configuration. While a writer replaces hoodie.properties, its
// backup is read. A folder without a table wraps base.ErrNotTable, a file that stays
// invalid base.ErrCorrupt, a table that this library cannot read base.ErrUnsupported.
func LoadConfig(ctx context.Context, st storage.Store) (*Config, error) {
	p, err := readProperties(ctx, st, readPause)
	if err != nil {
		return nil, err
	}
	c, err := configOf(p)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", propertiesPath, st.URI(), err)
	}
	return c, nil
}

// readProperties reads the properties or else their backup, trying again after a pause
// while what is there is invalid.
func readProperties(ctx context.Context, st storage.Store, pause time.Duration) (*Properties, error) {
	for attempt := 1; ; attempt++ {
		p, err := readValid(ctx, st, propertiesPath)
		if err == nil {
			return p, nil
		}
		backup, backupErr := readValid(ctx, st, backupPath)
		if backupErr == nil {
			return backup, nil
		}
		absent := errors.Is(err, fs.ErrNotExist) && errors.Is(backupErr, fs.ErrNotExist)
		switch {
		case absent && attempt == 1:
			// The writer may have finished between the two reads.
			continue
		case absent:
			return nil, fmt.Errorf("table: %s has no %s: %w", st.URI(), propertiesPath, base.ErrNotTable)
		case errors.Is(err, fs.ErrNotExist):
			err = backupErr
		}
		if !errors.Is(err, base.ErrCorrupt) || errors.Is(err, fs.ErrInvalid) || attempt == readAttempts {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// readValid reads one properties file and checks it. An absent one wraps fs.ErrNotExist,
// an invalid one base.ErrCorrupt.
func readValid(ctx context.Context, st storage.Store, path string) (*Properties, error) {
	data, err := storage.ReadFile(ctx, st, path)
	if err != nil {
		return nil, fmt.Errorf("table: read %s of %s: %w", path, st.URI(), err)
	}
	p, err := ParseProperties(data)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", path, st.URI(), err)
	}
	stored, ok := p.Get(keyChecksum)
	if _, named := p.Get(keyName); !named && !ok {
		return nil, fmt.Errorf("table: %s of %s has no %s: the file was cut short: %w", path, st.URI(), keyName, base.ErrCorrupt)
	}
	if want := checksum(p); ok && stored != want {
		return nil, fmt.Errorf("table: %s of %s: %s is %s, name and database give %s: set it to that if they are right: %w",
			path, st.URI(), keyChecksum, stored, want, base.ErrCorrupt)
	}
	return p, nil
}

// Update sets and removes stored properties, under the table's lock, which the caller
// holds, and gives c the new values. Readers see the old properties or the new ones,
// whenever the update ends: see docs/format/properties.md for the steps. A second writer
// at work wraps base.ErrConflict.
func (c *Config) Update(ctx context.Context, st storage.Store, set map[string]string, remove []string, clock func() time.Time) error {
	if err := recoverProperties(ctx, st); err != nil {
		return err
	}
	p, err := readProperties(ctx, st, readPause)
	if err != nil {
		return err
	}
	old, err := storage.ReadFile(ctx, st, propertiesPath)
	if err != nil {
		return fmt.Errorf("table: read %s of %s: %w", propertiesPath, st.URI(), err)
	}
	for _, k := range slices.Sorted(maps.Keys(set)) {
		p.Set(k, set[k])
	}
	for _, k := range remove {
		p.Delete(k)
	}
	verb := "Updated at "
	if sum, _ := p.Get(keyChecksum); sum != checksum(p) {
		verb = "Properties saved on "
		p.Set(keyChecksum, checksum(p))
	}
	updated, err := configOf(p)
	if err != nil {
		return fmt.Errorf("table: update of %s of %s: %w", propertiesPath, st.URI(), err)
	}

	switch err := st.PutIfAbsent(ctx, backupPath, old); {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("table: %s of %s: another writer is changing the properties: %w", backupPath, st.URI(), base.ErrConflict)
	case err != nil:
		return fmt.Errorf("table: write %s of %s: %w", backupPath, st.URI(), err)
	}
	if err := st.Delete(ctx, propertiesPath); err != nil {
		return fmt.Errorf("table: replace %s of %s: %w", propertiesPath, st.URI(), err)
	}
	if err := st.Put(ctx, propertiesPath, p.Bytes(comments(verb, clock)...)); err != nil {
		return fmt.Errorf("table: replace %s of %s: %w", propertiesPath, st.URI(), err)
	}
	written, err := readValid(ctx, st, propertiesPath)
	if err == nil && len(written.Keys()) != len(p.Keys()) {
		err = fmt.Errorf("table: %s of %s has %d keys, %d were written: %w",
			propertiesPath, st.URI(), len(written.Keys()), len(p.Keys()), base.ErrConflict)
	}
	if err != nil {
		return errors.Join(err, st.Delete(ctx, propertiesPath)) // the backup counts
	}
	*c = *updated
	if err := st.Delete(ctx, backupPath); err != nil {
		return fmt.Errorf("table: remove %s of %s: %w", backupPath, st.URI(), err)
	}
	return nil
}

// recoverProperties finishes or undoes an update that was cut off: an absent or invalid
// file is restored from a valid backup, and a backup that is no longer needed is removed.
func recoverProperties(ctx context.Context, st storage.Store) error {
	_, err := readValid(ctx, st, propertiesPath)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, base.ErrCorrupt) {
			return err
		}
		_, backupErr := readValid(ctx, st, backupPath)
		switch {
		case errors.Is(backupErr, fs.ErrNotExist) && errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("table: %s has no %s: %w", st.URI(), propertiesPath, base.ErrNotTable)
		case errors.Is(backupErr, fs.ErrNotExist):
			return err
		case backupErr != nil:
			return backupErr
		}
		backup, err := storage.ReadFile(ctx, st, backupPath)
		if err != nil {
			return fmt.Errorf("table: read %s of %s: %w", backupPath, st.URI(), err)
		}
		if err := st.Put(ctx, propertiesPath, backup); err != nil {
			return fmt.Errorf("table: restore %s of %s: %w", propertiesPath, st.URI(), err)
		}
	}
	if err := st.Delete(ctx, backupPath); err != nil {
		return fmt.Errorf("table: remove %s of %s: %w", backupPath, st.URI(), err)
	}
	return nil
}

// comments are the two lines that real Hudi puts above the properties.
func comments(verb string, clock func() time.Time) []string {
	now := clock().UTC()
	return []string{verb + now.Format(time.RFC3339Nano), now.Format("Mon Jan 02 15:04:05 MST 2006")}
}
