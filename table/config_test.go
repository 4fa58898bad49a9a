package table

import (
	"errors"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/fault"
	"github.com/hudi-go/hudi-go/storage/mem"
)

func clock() time.Time { return time.Date(2026, 11, 23, 8, 43, 39, 5e6, time.UTC) }

func trips() Config {
	c := NewConfig("trips")
	c.Keys = []string{"id"}
	return c
}

func created(t *testing.T, c Config) (*mem.Store, *Config) {
	t.Helper()
	st := mem.New(clock)
	require.NoError(t, Create(t.Context(), st, c, clock))
	loaded, err := LoadConfig(t.Context(), st)
	require.NoError(t, err)
	return st, loaded
}

func TestCreateAndLoad(t *testing.T) {
	c := trips()
	c.Type = MOR
	c.Database = "default"
	c.PartitionBy = []string{"region"}
	c.Ordering = []string{"ts"}
	c.HiveStyle = true
	c.CreateSchema = `{"type":"record","name":"r","fields":[{"name":"id","type":"string"},{"name":"ts","type":"long"},{"name":"region","type":"string"}]}`
	c.Index = IndexConfig{Kind: IndexBucket, Buckets: 4}
	c.Extra = map[string]string{"hoodie.keygen.timebased.timezone": "UTC"}
	st, got := created(t, c)

	require.Equal(t, "trips", got.Name)
	require.Equal(t, MOR, got.Type)
	require.Equal(t, CurrentVersion, got.Version)
	require.Equal(t, CurrentVersion, got.InitialVersion)
	require.Equal(t, []string{"id"}, got.Keys)
	require.Equal(t, []string{"region"}, got.PartitionBy)
	require.Equal(t, []string{"ts"}, got.Ordering)
	require.Equal(t, EventTimeOrdering, got.MergeMode)
	require.Equal(t, KeyGenSimple, got.KeyGen)
	require.True(t, got.UTC)
	require.True(t, got.MetaFields)
	require.Equal(t, IndexConfig{Kind: IndexBucket, Buckets: 4, HashField: []string{"id"}}, got.Index)
	require.Equal(t, time.UTC, got.Location(time.FixedZone("x", 60)))
	require.Equal(t, ".hoodie/timeline", got.TimelineDir())
	zone, ok := got.Property("hoodie.keygen.timebased.timezone")
	require.True(t, ok)
	require.Equal(t, "UTC", zone)

	data, err := storage.ReadFile(t.Context(), st, propertiesPath)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(data),
		"#Properties saved on 2026-11-23T08:43:39.005Z\n#Mon Nov 23 08:43:39 UTC 2026\n"), string(data))

	tl, err := got.Timeline(t.Context(), st, time.UTC)
	require.NoError(t, err)
	s, err := got.RecordSchema(t.Context(), tl)
	require.NoError(t, err)
	require.Len(t, s.Fields(), 3)

	require.ErrorIs(t, Create(t.Context(), st, c, clock), fs.ErrExist)
	require.ErrorIs(t, Create(t.Context(), st, c, clock), base.ErrInvalid)
}

func TestCreateRefuses(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"needs a name":              func(c *Config) { c.Name = "" },
		"table version 5: use":      func(c *Config) { c.Version = 5 },
		"fields need table version": func(c *Config) { c.Version, c.Ordering = 8, []string{"a", "b"} },
		"delete marks need":         func(c *Config) { c.Version, c.PartialUpdate = 8, FillUnavailable },
		"does not keep the kinds":   func(c *Config) { c.Version, c.PartitionKinds = 6, []string{"SIMPLE"} },
		"needs table version 9":     func(c *Config) { c.Version, c.SlashDates = 6, true },
		"table type":                func(c *Config) { c.Type = "cow" },
		"needs record keys":         func(c *Config) { c.Keys, c.Index = nil, IndexConfig{Kind: IndexBucket, Buckets: 4} },
		"base file format":          func(c *Config) { c.BaseFormat = "ORC" },
		"CDC mode":                  func(c *Config) { c.CDC, c.CDCMode = true, "x" },
		"index \"HASH\"":            func(c *Config) { c.Index.Kind = "HASH" },
		"1 to 100000000":            func(c *Config) { c.Index.Kind = IndexBucket },
		"not a record key":          func(c *Config) { c.Index = IndexConfig{Kind: IndexBucket, Buckets: 4, HashField: []string{"x"}} },
		"did you mean \"id\"": func(c *Config) {
			c.Keys, c.CreateSchema = []string{"idd"}, `{"type":"record","name":"r","fields":[{"name":"id","type":"int"}]}`
		},
		"needs ordering":       func(c *Config) { c.MergeMode = EventTimeOrdering },
		"merge mode \"NEWEST":  func(c *Config) { c.MergeMode = "NEWEST" },
		"payload class or":     func(c *Config) { c.MergeMode = CustomMerge },
		"leave one of them":    func(c *Config) { c.MergeMode, c.PayloadClass = EventTimeOrdering, payloadPackage+"AWSDmsAvroPayload" },
		"must be set together": func(c *Config) { c.MergeProps = map[string]string{DeleteField: "op"} },
		"partial update mode":  func(c *Config) { c.PartialUpdate = "SOME" },
		"by an option":         func(c *Config) { c.Extra = map[string]string{keyName: "other"} },
	} {
		t.Run(want, func(t *testing.T) {
			c := trips()
			change(&c)
			st := mem.New(clock)
			require.ErrorContains(t, Create(t.Context(), st, c, clock), want)
			_, err := LoadConfig(t.Context(), st)
			require.ErrorIs(t, err, base.ErrNotTable)
		})
	}
}

func TestMergeResolution(t *testing.T) {
	const debezium = payloadPackage + "debezium."
	tests := []struct {
		name     string
		version  string
		props    map[string]string
		mode     string
		partial  string
		ordering []string
		merge    map[string]string
	}{
		{"v6 nothing", "6", nil, CommitTimeOrdering, "", nil, nil},
		{"v6 ordering", "6", map[string]string{keyPrecombine: "ts"}, EventTimeOrdering, "", []string{"ts"}, nil},
		{"v6 payload beats strategy", "6", map[string]string{keyPrecombine: "ts", keyOldStrategyID: EventTimeStrategy,
			keyPayloadClass: payloadPackage + "OverwriteWithLatestAvroPayload"}, CommitTimeOrdering, "", []string{"ts"}, nil},
		{"v6 strategy", "6", map[string]string{keyOldStrategyID: CommitTimeStrategy, keyPrecombine: "ts"}, CommitTimeOrdering, "", []string{"ts"}, nil},
		{"v6 own strategy", "6", map[string]string{keyOldStrategyID: "x"}, CustomMerge, "", nil, nil},
		{"v6 own payload", "6", map[string]string{keyPayloadClass: "com.acme.Payload"}, CustomMerge, "", nil, nil},
		{"v6 dms", "6", map[string]string{keyPayloadClass: payloadPackage + "AWSDmsAvroPayload"}, CommitTimeOrdering, "", nil,
			map[string]string{DeleteField: "Op", DeleteMarker: "D"}},
		{"v6 mysql", "6", map[string]string{keyPayloadClass: debezium + "MySqlDebeziumAvroPayload", keyPrecombine: "_event_seq"}, CustomMerge, "", []string{"_event_seq"}, nil},
		{"v8 stored", "8", map[string]string{keyMergeMode: EventTimeOrdering, keyPrecombine: "ts"}, EventTimeOrdering, "", []string{"ts"}, nil},
		{"v8 partial update", "8", map[string]string{keyMergeMode: CustomMerge, keyPrecombine: "ts", keyStrategyID: PayloadStrategy,
			keyPayloadClass: payloadPackage + "PartialUpdateAvroPayload"}, EventTimeOrdering, IgnoreDefaults, []string{"ts"}, nil},
		{"v8 postgres", "8", map[string]string{keyMergeMode: CustomMerge, keyPrecombine: "ts",
			keyPayloadClass: debezium + "PostgresDebeziumAvroPayload"}, EventTimeOrdering, FillUnavailable, []string{"_event_lsn"},
			map[string]string{DeleteField: "_change_operation_type", DeleteMarker: "d", UnavailableValue: "__debezium_unavailable_value"}},
		{"v8 own payload", "8", map[string]string{keyMergeMode: CustomMerge, keyPayloadClass: "com.acme.Payload"}, CustomMerge, "", nil, nil},
		{"v9 stored", "9", map[string]string{keyMergeMode: EventTimeOrdering, keyOrdering: "a, b", keyPartialUpdate: FillUnavailable,
			mergePropertyPrefix + UnavailableValue: "?"}, EventTimeOrdering, FillUnavailable, []string{"a", "b"}, map[string]string{UnavailableValue: "?"}},
		{"v9 custom", "9", map[string]string{keyMergeMode: CustomMerge, keyStrategyID: "x"}, CustomMerge, "", nil, nil},
		{"v9 nothing", "9", nil, CommitTimeOrdering, "", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := NewProperties()
			p.Set(keyName, "t")
			p.Set(keyVersion, tt.version)
			p.Set(keyLayout, map[string]string{"6": "1", "8": "2", "9": "2"}[tt.version])
			for k, v := range tt.props {
				p.Set(k, v)
			}
			c, err := configOf(p)
			require.NoError(t, err)
			require.Equal(t, tt.mode, c.MergeMode)
			require.Equal(t, tt.partial, c.PartialUpdate)
			require.Equal(t, tt.ordering, c.Ordering)
			if tt.merge == nil {
				tt.merge = map[string]string{}
			}
			require.Equal(t, tt.merge, c.MergeProps)
		})
	}
}

func TestKeyGenKind(t *testing.T) {
	const pkg = "org.apache.hudi.keygen."
	one, two := []string{"a"}, []string{"a", "b"}
	require.Equal(t, KeyGenSimple, keyGenKind("", pkg+"SimpleKeyGenerator", one, one))
	require.Equal(t, KeyGenNonPartition, keyGenKind("", pkg+"NonpartitionedKeyGenerator", one, nil))
	require.Equal(t, KeyGenComplex, keyGenKind("COMPLEX_AVRO", "", one, one))
	require.Equal(t, KeyGenTimestamp, keyGenKind("", pkg+"TimestampBasedAvroKeyGenerator", one, one))
	require.Equal(t, "com.acme.Keys", keyGenKind(KeyGenUserProvided, "com.acme.Keys", one, one))
	require.Equal(t, KeyGenCustom, keyGenKind("", "", one, []string{"a:simple"}))
	require.Equal(t, KeyGenNonPartition, keyGenKind("", "", two, nil))
	require.Equal(t, KeyGenSimple, keyGenKind("", "", one, one))
	require.Equal(t, KeyGenComplex, keyGenKind("", "", two, one))
	require.Equal(t, KeyGenComplex, keyGenKind("", "", one, two))
}

func TestLoadRefuses(t *testing.T) {
	for want, set := range map[string]map[string]string{
		"newer than this library": {keyVersion: "10"},
		"upgrade the table":       {keyVersion: "5"},
		"not a number":            {keyVersion: "nine"},
		keyLayout:                 {keyLayout: "1"},
		"ORC":                     {keyBaseFormat: "ORC"},
		"iceberg":                 {keyFormat: "iceberg"},
		"bootstrapped":            {keyBootstrap: "/x"},
	} {
		st, c := created(t, trips())
		p := c.Properties()
		for k, v := range set {
			p.Set(k, v)
		}
		require.NoError(t, st.Put(t.Context(), propertiesPath, p.Bytes()))
		_, err := LoadConfig(t.Context(), st)
		require.ErrorContains(t, err, want)
	}
}

func TestUpdate(t *testing.T) {
	st, c := created(t, trips())
	require.NoError(t, c.Update(t.Context(), st, map[string]string{keyMetadataPartitions: "files", "x": "y"}, []string{keyCDC}, clock))
	require.Equal(t, []string{"files"}, c.MetadataPartitions)
	again, err := LoadConfig(t.Context(), st)
	require.NoError(t, err)
	require.Equal(t, c, again)
	_, ok := again.Property(keyCDC)
	require.False(t, ok)
	data, err := storage.ReadFile(t.Context(), st, propertiesPath)
	require.NoError(t, err)
	require.Contains(t, string(data), "#Updated at ")
	require.ErrorIs(t, c.Update(t.Context(), st, map[string]string{keyVersion: "x"}, nil, clock), base.ErrCorrupt)
	_, err = st.Stat(t.Context(), backupPath)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// A crash at any storage operation of an update leaves the old or the new configuration,
// and the next update goes through.
func TestUpdateCrashes(t *testing.T) {
	for _, rule := range []func(int) fault.Rule{fault.DieBefore, fault.DieAfter} {
		for n := 1; ; n++ {
			st, c := created(t, trips())
			faulty := fault.Wrap(st, rule(n))
			err := c.Update(t.Context(), faulty, map[string]string{"x": "1"}, nil, clock)
			if err == nil && faulty.Calls() < n {
				require.Greater(t, n, 5)
				break
			}
			left, loadErr := LoadConfig(t.Context(), st)
			require.NoError(t, loadErr, "call %d", n)
			value, ok := left.Property("x")
			require.True(t, !ok || value == "1")
			require.NoError(t, left.Update(t.Context(), st, map[string]string{"x": "2"}, nil, clock), "call %d", n)
			again, loadErr := LoadConfig(t.Context(), st)
			require.NoError(t, loadErr)
			value, _ = again.Property("x")
			require.Equal(t, "2", value)
			_, statErr := st.Stat(t.Context(), backupPath)
			require.ErrorIs(t, statErr, fs.ErrNotExist)
		}
	}
}

func TestReadFallsBackToTheBackup(t *testing.T) {
	ctx := t.Context()
	st, c := created(t, trips())
	good := c.props.Bytes()
	bad := c.Properties()
	bad.Set(keyChecksum, "1")

	require.NoError(t, st.Put(ctx, propertiesPath, bad.Bytes()))
	_, err := readProperties(ctx, st, time.Microsecond)
	require.ErrorIs(t, err, base.ErrCorrupt)
	require.ErrorContains(t, err, keyChecksum)
	require.ErrorIs(t, recoverProperties(ctx, st), base.ErrCorrupt)

	require.NoError(t, st.Put(ctx, backupPath, good))
	p, err := readProperties(ctx, st, time.Microsecond)
	require.NoError(t, err)
	require.Equal(t, c.props, p)

	require.NoError(t, recoverProperties(ctx, st))
	restored, err := storage.ReadFile(ctx, st, propertiesPath)
	require.NoError(t, err)
	require.Equal(t, good, restored)

	require.NoError(t, st.Put(ctx, propertiesPath, []byte("hoodie.table.type=COPY")))
	_, err = readProperties(ctx, st, time.Microsecond)
	require.ErrorIs(t, err, base.ErrCorrupt)

	require.NoError(t, st.Delete(ctx, propertiesPath))
	_, err = LoadConfig(ctx, st)
	require.ErrorIs(t, err, base.ErrNotTable)
}

func TestCreateWithLostAcknowledgement(t *testing.T) {
	st := mem.New(clock)
	lost := errors.New("reset")
	puts := func(rule fault.Rule) fault.Rule { return rule.Only(fault.Mutating) }
	n := len(releases[CurrentVersion].folders) + 1
	require.NoError(t, Create(t.Context(), fault.Wrap(st, puts(fault.FailAfter(n, lost))), trips(), clock))
	st = mem.New(clock)
	require.ErrorIs(t, Create(t.Context(), fault.Wrap(st, puts(fault.FailBefore(n, lost))), trips(), clock), lost)
}

// The current version's payload classes are stored as what they mean.
func TestStoreMerge(t *testing.T) {
	c := trips()
	c.PayloadClass = payloadPackage + "debezium.PostgresDebeziumAvroPayload"
	p, err := c.stored()
	require.NoError(t, err)
	got := maps.Clone(p.values)
	maps.DeleteFunc(got, func(k, _ string) bool {
		return !strings.Contains(k, "merge") && !strings.Contains(k, "payload") && !strings.Contains(k, "ordering") && !strings.Contains(k, "partial")
	})
	require.Equal(t, map[string]string{
		keyLegacyPayloadClass:                  c.PayloadClass,
		keyMergeMode:                           EventTimeOrdering,
		keyPartialUpdate:                       FillUnavailable,
		keyOrdering:                            "_event_lsn",
		mergePropertyPrefix + DeleteField:      "_change_operation_type",
		mergePropertyPrefix + DeleteMarker:     "d",
		mergePropertyPrefix + UnavailableValue: "__debezium_unavailable_value",
	}, got)
	c.PayloadClass = "com.acme.Payload"
	p, err = c.stored()
	require.NoError(t, err)
	require.Equal(t, CustomMerge, p.values[keyMergeMode])
	require.Equal(t, c.PayloadClass, p.values[keyPayloadClass])
	require.Equal(t, PayloadStrategy, p.values[keyStrategyID])
}
