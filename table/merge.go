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
	// plain says that versions 6 and 8 count the class as its mode and not as CUSTOM.
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
	"EventTimeAvroPayload":                      {mode: EventTimeOrdering, plain: true},
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

func defaultMode(ordering []string) string {
	if len(ordering) > 0 {
		return EventTimeOrdering
	}
	return CommitTimeOrdering
}

// storeMerge sets the merge properties of a new table of version 9.
func (c *Config) storeMerge(p *Properties) error {
	mode, partial, props, ordering := c.MergeMode, c.PartialUpdate, maps.Clone(c.MergeProps), c.Ordering
	if props == nil {
		props = make(map[string]string)
	}
	known, ok := payloadOf(c.PayloadClass)
	switch {
	case ok:
		if mode != "" && mode != known.mode {
			return fmt.Errorf("table: payload class %s merges by %s, not %s: leave one of them out: %w",
				c.PayloadClass, known.mode, mode, base.ErrInvalid)
		}
		mode, partial = known.mode, known.partial
		maps.Copy(props, known.props)
		if known.ordering != nil {
			ordering = known.ordering
		}
		p.Set(keyLegacyPayloadClass, c.PayloadClass)
	case c.PayloadClass != "":
		mode = CustomMerge
		p.Set(keyPayloadClass, c.PayloadClass)
		p.Set(keyStrategyID, PayloadStrategy)
	case mode == CustomMerge:
		if c.StrategyID == "" {
			return fmt.Errorf("table: merge mode %s needs a payload class or a merge strategy id: %w", CustomMerge, base.ErrInvalid)
		}
		p.Set(keyStrategyID, c.StrategyID)
	case mode == "":
		mode = defaultMode(ordering)
	}
	switch {
	case mode != CommitTimeOrdering && mode != EventTimeOrdering && mode != CustomMerge:
		return fmt.Errorf("table: merge mode %q: use %s, %s or %s: %w",
			mode, CommitTimeOrdering, EventTimeOrdering, CustomMerge, base.ErrInvalid)
	case mode == EventTimeOrdering && len(ordering) == 0:
		return fmt.Errorf("table: merge mode %s needs ordering fields: name them, or use %s: %w",
			mode, CommitTimeOrdering, base.ErrInvalid)
	case partial != "" && partial != IgnoreDefaults && partial != FillUnavailable:
		return fmt.Errorf("table: partial update mode %q: use %s or %s: %w", partial, IgnoreDefaults, FillUnavailable, base.ErrInvalid)
	case (props[DeleteField] == "") != (props[DeleteMarker] == ""):
		return fmt.Errorf("table: %s and %s must be set together: %w", DeleteField, DeleteMarker, base.ErrInvalid)
	}
	p.Set(keyMergeMode, mode)
	if partial != "" {
		p.Set(keyPartialUpdate, partial)
	}
	for _, k := range slices.Sorted(maps.Keys(props)) {
		p.Set(mergePropertyPrefix+k, props[k])
	}
	if len(ordering) > 0 {
		p.Set(releases[c.Version].ordering, strings.Join(ordering, ","))
	}
	return nil
}
