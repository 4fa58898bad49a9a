package cdc

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

func TestPropose(t *testing.T) {
	s, remarks, err := Propose(topicRecords(t, "pgj", "pgj.inventory.all_types"))
	require.NoError(t, err)
	for name, want := range map[string]schema.Type{
		"id": {Kind: schema.Long}, "c_bool": {Kind: schema.Boolean, Nullable: true}, "c_i8": {Kind: schema.Long, Nullable: true},
		"c_f4": {Kind: schema.Double, Nullable: true}, "c_text": {Kind: schema.String, Nullable: true}, "c_num": {Kind: schema.String, Nullable: true},
		"c_tstz": {Kind: schema.Long, Logical: schema.TimestampMicros, Nullable: true},
	} {
		f, _, err := s.Lookup(name)
		require.NoError(t, err)
		require.True(t, f.Type.Equal(&want), "%s: %v", name, f.Type)
	}
	f, _, _ := s.Field("c_point")
	require.Equal(t, schema.Record, f.Type.Kind)
	f, _, _ = s.Field("a_i4")
	require.Equal(t, schema.Array, f.Type.Kind)
	about := map[string]string{}
	for _, r := range remarks {
		about[r.Column] = r.Text
	}
	require.Contains(t, about["c_num_5_2"], "base64")
	require.Contains(t, about["c_ts3"], "milliseconds")
	require.Contains(t, about["a_2d.element"], "no value")
	require.NotContains(t, about, "c_text")

	// The proposal reads the topic that it was made from.
	m, _, _ := replay(t, topicRecords(t, "pgj", "pgj.inventory.all_types"), Options{Schema: s})
	require.Equal(t, "123456789012345678901234567890.123456789", m.live["1"]["c_num"])
	require.Equal(t, "2024-02-29T07:04:56.123456Z", m.live["1"]["c_tstz"])

	_, _, err = Propose(topicRecords(t, "pgjs", "pgjs.inventory.inc"))
	require.ErrorIs(t, err, base.ErrInvalid)
	_, _, err = Propose(nil)
	require.ErrorIs(t, err, base.ErrInvalid)
	_, _, err = Propose([]Record{{Value: []byte(`{"id":1}`)}})
	require.ErrorIs(t, err, ErrMalformed)
}
