package table

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
)

// The merge modes, hoodie.record.merge.mode.
const (
	// CommitTimeOrdering: the later write wins.
	CommitTimeOrdering = "COMMIT_TIME_ORDERING"
	// EventTimeOrdering: the greater ordering value wins, of equal ones the later write.
	EventTimeOrdering = "EVENT_TIME_ORDERING"
	// CustomMerge: Java code of the user's, Config.PayloadClass or Config.StrategyID, decides.
	CustomMerge = "CUSTOM"
)

// The partial update modes, hoodie.table.partial.update.mode; empty for none.
const (
	// IgnoreDefaults: columns of the winner that have their default take the loser's value.
	IgnoreDefaults = "IGNORE_DEFAULTS"
	// FillUnavailable: text and bytes of the winner that equal the property UnavailableValue
	// take the loser's value.
	FillUnavailable = "FILL_UNAVAILABLE"
)

// Keys of Config.MergeProps.
const (
	DeleteField      = "hoodie.payload.delete.field"
	DeleteMarker     = "hoodie.payload.delete.marker"
	UnavailableValue = "hoodie.write.partial.update.unavailable.value"
)

// The merge strategies, hoodie.record.merge.strategy.id.
const (
	EventTimeStrategy  = "eeb8d96f-b1e4-49fd-bbf8-28ac514178e5"
	CommitTimeStrategy = "ce9acb64-bde0-424c-9b91-f6ebba25356d"
	PayloadStrategy    = "00000000-0000-0000-0000-000000000000"
)

// payload is what a payload class of Hudi's means in terms of merge modes. From version 9
// on tables store these instead of the class.
type payload struct {
	mode, partial string
	ordering      []string // fixed ordering fields, nil: the table's
	props         map[string]string
	// plain says that version 8 counts the class as its mode and not as CUSTOM.
	plain bool
	// only9 says that the meaning holds for version 9 only: the class compares another
	// column, in another way, than the fields that version 9 orders by.
	only9 bool
}

const payloadPackage = "org.apache.hudi.common.model."

var debeziumDelete = map[string]string{DeleteField: "_change_operation_type", DeleteMarker: "d"}

// payloads are Hudi's payload classes by their names below payloadPackage.
var payloads = map[string]payload{
	"OverwriteWithLatestAvroPayload":            {mode: CommitTimeOrdering, plain: true},
	"DefaultHoodieRecordPayload":                {mode: EventTimeOrdering, plain: true},
	"EventTimeAvroPayload":                      {mode: EventTimeOrdering}, // CUSTOM in what 1.0.2 writes
	"OverwriteNonDefaultsWithLatestAvroPayload": {mode: CommitTimeOrdering, partial: IgnoreDefaults},
	"PartialUpdateAvroPayload":                  {mode: EventTimeOrdering, partial: IgnoreDefaults},
	"AWSDmsAvroPayload": {
		mode:  CommitTimeOrdering,
		props: map[string]string{DeleteField: "Op", DeleteMarker: "D"},
	},
	"debezium.PostgresDebeziumAvroPayload": {
		mode:     EventTimeOrdering,
		partial:  FillUnavailable,
		ordering: []string{"_event_lsn"},
		props: map[string]string{
			DeleteField:      debeziumDelete[DeleteField],
			DeleteMarker:     debeziumDelete[DeleteMarker],
			UnavailableValue: "__debezium_unavailable_value",
		},
	},
	"debezium.MySqlDebeziumAvroPayload": {
		mode:     EventTimeOrdering,
		ordering: []string{"_event_bin_file", "_event_pos"},
		props:    debeziumDelete,
		only9:    true,
	},
}

// payloadOf finds the meaning of a payload class, given with its package.
func payloadOf(class string) (payload, bool) {
	p, ok := payloads[strings.TrimPrefix(class, payloadPackage)]
	return p, ok && strings.HasPrefix(class, payloadPackage)
}

// resolveMerge sets the effective merge mode, partial update mode, merge properties and
// ordering fields of a stored table: explicit ones of version 9; in older versions those
// of the payload class, which beats the strategy id (docs/format/properties.md).
func (c *Config) resolveMerge() {
	c.MergeProps = make(map[string]string)
	for _, k := range c.props.Keys() {
		if name, ok := strings.CutPrefix(k, mergePropertyPrefix); ok {
			c.MergeProps[name], _ = c.props.Get(k)
		}
	}
	stored, _ := c.props.Get(keyMergeMode)
	c.MergeMode = stored
	p, known := payloadOf(c.PayloadClass)
	switch {
	case c.Version >= 9 && stored != "":
		return
	case c.Version == 8 && stored != "" && stored != CustomMerge:
		return
	case known && (c.Version >= 9 || !p.only9):
		c.MergeMode, c.PartialUpdate = p.mode, p.partial
		for k, v := range p.props {
			if _, set := c.MergeProps[k]; !set {
				c.MergeProps[k] = v
			}
		}
		if p.ordering != nil {
			c.Ordering = slices.Clone(p.ordering)
		}
	case c.PayloadClass != "" || stored == CustomMerge:
		c.MergeMode = CustomMerge
	case c.StrategyID == EventTimeStrategy:
		c.MergeMode = EventTimeOrdering
	case c.StrategyID == CommitTimeStrategy:
		c.MergeMode = CommitTimeOrdering
	case c.StrategyID != "":
		c.MergeMode = CustomMerge
	default:
		c.MergeMode = defaultMode(c.Ordering)
	}
}

// MergeBy has a table that does not say how rows are merged do it by the payload class of its
// writer, as copy-on-write tables of version 6 that real Hudi made leave it to each writer. A
// table that says so stays as it is.
func (c *Config) MergeBy(class string) {
	if c.Version < 8 && c.PayloadClass == "" && class != "" {
		c.PayloadClass = class
		c.resolveMerge()
	}
}

// KeysBy has a table that does not say how its folders are made of times, or of which of its partition fields, do it as its
// writer says: with the custom key generator real Hudi keeps none of hoodie.keygen.*, and before table version 8 not the
// kinds of the fields (hoodie.datasource.write.partitionpath.field=a:simple,b:timestamp).
func (c *Config) KeysBy(options map[string]string) {
	c.options = NewProperties()
	for name, value := range options {
		c.options.Set(name, value)
	}
	var given Config
	given.SetPartitionFields(list(options[optionPartitionFields]))
	if c.KeyGen == KeyGenCustom && c.PartitionKinds == nil && slices.Equal(given.PartitionBy, c.PartitionBy) {
		c.PartitionKinds = given.PartitionKinds
	}
}

// KeyGenProperty returns a property of the key generator, the table's or else the writer's.
func (c *Config) KeyGenProperty(key string) (string, bool) {
	if value, ok := c.Property(key); ok {
		return value, true
	}
	if c.options == nil {
		return "", false
	}
	return lookup(c.options, key)
}

func defaultMode(ordering []string) string {
	if len(ordering) > 0 {
		return EventTimeOrdering
	}
	return CommitTimeOrdering
}

// storeMerge sets the merge properties of a new table.
func (c *Config) storeMerge(p *Properties) error {
	m, err := c.merging()
	if err != nil {
		return err
	}
	rules := releases[c.Version]
	if rules.payloadClass {
		if err := c.storePayload(p, rules, m); err != nil {
			return err
		}
	} else {
		c.storeMode(p, m)
	}
	if len(m.ordering) > 0 {
		p.Set(rules.ordering, strings.Join(m.ordering, ","))
	}
	return nil
}

// merging is what a configuration says about merging, its payload class taken into account.
func (c *Config) merging() (payload, error) {
	m := payload{mode: c.MergeMode, partial: c.PartialUpdate, ordering: c.Ordering, props: maps.Clone(c.MergeProps)}
	if m.props == nil {
		m.props = make(map[string]string)
	}
	known, ok := payloadOf(c.PayloadClass)
	switch {
	case ok && (c.Version >= 9 || !known.only9):
		if m.mode != "" && m.mode != known.mode {
			return m, fmt.Errorf("table: payload class %s merges by %s, not %s: leave one of them out: %w",
				c.PayloadClass, known.mode, m.mode, base.ErrInvalid)
		}
		m.mode, m.partial, m.plain = known.mode, known.partial, known.plain
		maps.Copy(m.props, known.props)
		if known.ordering != nil {
			m.ordering = known.ordering
		}
	case c.PayloadClass != "":
		m.mode = CustomMerge
	case m.mode == CustomMerge:
		if c.StrategyID == "" {
			return m, fmt.Errorf("table: merge mode %s needs a payload class or a merge strategy id: %w", CustomMerge, base.ErrInvalid)
		}
	case m.mode == "":
		m.mode = defaultMode(m.ordering)
	}
	switch {
	case m.mode != CommitTimeOrdering && m.mode != EventTimeOrdering && m.mode != CustomMerge:
		return m, fmt.Errorf("table: merge mode %q: use %s, %s or %s: %w",
			m.mode, CommitTimeOrdering, EventTimeOrdering, CustomMerge, base.ErrInvalid)
	case m.mode == EventTimeOrdering && len(m.ordering) == 0:
		return m, fmt.Errorf("table: merge mode %s needs ordering fields: name them, or use %s: %w",
			m.mode, CommitTimeOrdering, base.ErrInvalid)
	case m.partial != "" && m.partial != IgnoreDefaults && m.partial != FillUnavailable:
		return m, fmt.Errorf("table: partial update mode %q: use %s or %s: %w", m.partial, IgnoreDefaults, FillUnavailable, base.ErrInvalid)
	case (m.props[DeleteField] == "") != (m.props[DeleteMarker] == ""):
		return m, fmt.Errorf("table: %s and %s must be set together: %w", DeleteField, DeleteMarker, base.ErrInvalid)
	}
	return m, nil
}

// storeMode stores merging as version 9 does: by what it is.
func (c *Config) storeMode(p *Properties, m payload) {
	switch _, known := payloadOf(c.PayloadClass); {
	case known:
		p.Set(keyLegacyPayloadClass, c.PayloadClass)
	case c.PayloadClass != "":
		p.Set(keyPayloadClass, c.PayloadClass)
		p.Set(keyStrategyID, PayloadStrategy)
	case m.mode == CustomMerge:
		p.Set(keyStrategyID, c.StrategyID)
	}
	p.Set(keyMergeMode, m.mode)
	if m.partial != "" {
		p.Set(keyPartialUpdate, m.partial)
	}
	for _, k := range slices.Sorted(maps.Keys(m.props)) {
		p.Set(mergePropertyPrefix+k, m.props[k])
	}
}

// storePayload stores merging as versions 6 and 8 do: by a payload class. In version 6 it
// beats the strategy id, which says event time there whatever the class.
func (c *Config) storePayload(p *Properties, rules release, m payload) error {
	class, strategy, mode := c.PayloadClass, c.StrategyID, m.mode
	switch {
	case len(m.ordering) > 1:
		return fmt.Errorf("table: %d ordering fields need table version %d; version %d keeps one: %w", len(m.ordering), CurrentVersion, c.Version, base.ErrInvalid)
	case class == "" && (c.PartialUpdate != "" || len(c.MergeProps) > 0):
		return fmt.Errorf("table: partial updates and delete marks need table version %d; version %d has them by a payload class only: %w", CurrentVersion, c.Version, base.ErrInvalid)
	case class != "" && !m.plain:
		mode, strategy = CustomMerge, PayloadStrategy
	case mode == EventTimeOrdering:
		strategy = EventTimeStrategy
	case mode == CommitTimeOrdering:
		strategy = CommitTimeStrategy
	}
	if class == "" {
		class = payloadClasses[mode]
	}
	if rules.mode {
		p.Set(keyMergeMode, mode)
	} else if class != "" {
		strategy = EventTimeStrategy
	}
	if class != "" {
		p.Set(keyPayloadClass, class)
	}
	p.Set(rules.strategy, strategy)
	return nil
}

// payloadClasses are the classes by which versions 6 and 8 say a merge mode.
var payloadClasses = map[string]string{
	EventTimeOrdering:  payloadPackage + "DefaultHoodieRecordPayload",
	CommitTimeOrdering: payloadPackage + "OverwriteWithLatestAvroPayload",
}
