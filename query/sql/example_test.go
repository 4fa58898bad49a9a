package sql_test

import (
	"context"
	"fmt"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/query/sql"
)

// A table is planned anew for each statement that names it.
func Example() {
	ctx := context.Background()
	trips, err := hudi.Open(ctx, "/data/trips", hudi.WithMemory(256<<20))
	if err != nil {
		panic(err)
	}
	db, err := sql.Open(sql.Options{Memory: 256 << 20})
	if err != nil {
		panic(err)
	}
	defer db.Close()
	err = db.Add("trips", func(ctx context.Context) (*query.Plan, error) {
		return trips.Query(ctx, query.Options{})
	})
	if err != nil {
		panic(err)
	}
	rows, err := db.Query(ctx, "SELECT city, sum(fare) AS fares FROM trips GROUP BY city")
	if err != nil {
		panic(err)
	}
	defer rows.Close()
	for batch, err := range rows.Batches(ctx) {
		if err != nil {
			panic(err)
		}
		fmt.Println(batch)
	}
}
