package hudi_test

import (
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/table"
)

type order struct {
	ID    int64            `avro:"id"`
	Name  *string          `avro:"name"`
	Price float64          `avro:"price"`
	Day   time.Time        `avro:"day" hudi:"date"`
	At    time.Time        `avro:"at"`
	Raw   []byte           `avro:"raw"`
	Tags  []string         `avro:"tags"`
	More  map[string]int32 `avro:"more"`
	Place *place           `avro:"place"`
	Small uint16           `avro:"small"`
	Notes string           `avro:"-"`
}

type place struct {
	X, Y float64
	Near []place2
}

type place2 struct{ Name *string }

// Structs come back as they were written, after an upsert too.
func TestStructs(t *testing.T) {
	ctx := t.Context()
	at := time.Date(2026, 1, 31, 10, 20, 30, 123456000, time.UTC)
	name := "ü"
	var want []order
	for i := range int64(5000) { // more than one batch
		o := order{ID: i, Price: float64(i) + 0.05, Day: at.Truncate(24 * time.Hour), At: at, Raw: []byte{byte(i)}, Tags: []string{"a"}, More: map[string]int32{"n": int32(i)}}
		if i%2 == 0 {
			o.Name, o.Place = &name, &place{float64(i), -1, []place2{{&name}, {}}}
		}
		want = append(want, o)
	}
	c := table.NewConfig("orders")
	c.Type = table.MOR
	c.Keys = []string{"id"}
	c.Ordering = []string{"at"}
	tab, err := hudi.Create(ctx, t.TempDir(), c)
	require.NoError(t, err)
	write := func(list []order) {
		rows, err := hudi.RowsOf(slices.Values(list))
		require.NoError(t, err)
		_, err = tab.Write(ctx, hudi.Upsert, rows, hudi.WriteOptions{})
		require.NoError(t, err)
	}
	write(want)
	want[7].Name, want[7].At = &name, at.Add(time.Second)
	write(want[7:8])
	var got []order
	for o, err := range hudi.Values[order](ctx, tab, query.Options{}) {
		require.NoError(t, err)
		got = append(got, o)
	}
	slices.SortFunc(got, func(a, b order) int { return int(a.ID - b.ID) })
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, want[i], got[i])
	}

	type part struct {
		ID   int64  `avro:"id"`
		Name string `avro:"name"`
	}
	parts := func(where string) (list []part, err error) {
		for p, err := range hudi.Values[part](ctx, tab, query.Options{Where: where}) {
			if err != nil {
				return nil, err
			}
			list = append(list, p)
		}
		return list, nil
	}
	list, err := parts("id = 8")
	require.NoError(t, err)
	require.Equal(t, []part{{8, name}}, list)
	_, err = parts("id = 9")
	require.ErrorIs(t, err, hudi.ErrInvalid) // a null
}

// What cannot be a column is refused with the field's name.
func TestStructsRefused(t *testing.T) {
	refused := func(err error, field string) {
		require.ErrorIs(t, err, hudi.ErrInvalid)
		require.ErrorContains(t, err, field)
	}
	_, err := hudi.RowsOf(slices.Values([]struct{ C chan int }{}))
	refused(err, "field C")
	_, err = hudi.RowsOf(slices.Values([]struct{ M map[int]string }{}))
	refused(err, "field M")
	_, err = hudi.RowsOf(slices.Values([]struct{ R *big.Rat }{}))
	refused(err, "field R")
	_, err = hudi.RowsOf(slices.Values([]struct {
		T time.Time `hudi:"time"`
	}{}))
	refused(err, "field T")
	type endless struct{ More *endless }
	_, err = hudi.RowsOf(slices.Values([]endless{}))
	refused(err, "field More")
	_, err = hudi.RowsOf(slices.Values([]int{}))
	refused(err, "int")
}
