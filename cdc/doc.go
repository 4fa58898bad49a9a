// Package cdc turns change events into keyed rows: it reads the records of a Debezium topic
// and builds Arrow batches that an upsert can take, one row an event.
//
// # Rows
//
// A row has the columns of the source table, then an ordering column of type long, then the
// boolean schema.IsDeleted. The ordering column is _event_lsn for PostgreSQL and _event_order for
// MySQL and MariaDB. Every column is nullable but the keys, so that later changes of the source's columns and the rows of deletes
// fit. Inserts, updates and snapshot rows are the event's after image. Deletes have the key
// columns, taken from the message key, and nulls: the before image of a delete is not data, it
// has made-up values unless the table has REPLICA IDENTITY FULL. NULL stays null; the default
// of a column is never put in its place.
//
// In Append mode every event is a row of its own; see Append.
//
// # Types
//
// Events that carry their schema give the columns and types themselves:
//
//	Connect or Debezium type                     column
//	int8, int16, int32                           int
//	int64                                        long; decimal(20,0) if its source type is known to be bigint unsigned
//	float, double, boolean, string, bytes        the same
//	connect Decimal(p,s), p ≤ 38                 decimal(p,s); without precision decimal(19,s)
//	connect Decimal(p,s), p > 38                 string
//	VariableScaleDecimal                         string
//	Date, connect Date, IsoDate                  date
//	Time, MicroTime, NanoTime                    long, microseconds (PostgreSQL has 24:00:00, MySQL negative times)
//	connect Time                                 time-millis
//	IsoTime                                      time-micros
//	Timestamp, MicroTimestamp, NanoTimestamp,
//	IsoTimestamp                                 local-timestamp-micros
//	connect Timestamp                            timestamp-millis
//	ZonedTimestamp                               timestamp-micros, UTC
//	Year                                         int
//	ZonedTime, Uuid, Json, Xml, Enum, EnumSet, Interval … string
//	MicroDuration                                long
//	Bits                                         bytes, little endian as Debezium sends them
//	array, map, struct (Point, Geometry …)       array, map, record
//
// Events without schemas need Options.Schema and take the wire form from the declared type;
// see Wire. Integers, numbers and texts of one type may be stored in a wider column of the table.
//
// # Values out of range
//
// Dates and timestamps are kept from year 1 to year 9999, the range that all engines share;
// times from 0 to just below 24 hours; decimals up to the precision of their column. PostgreSQL's
// infinities and other values beyond become null and are counted in Counts.OutOfRange; floats
// keep NaN and the infinities. An integer that its column cannot hold is an error, never null:
// it says that the declared type is wrong.
//
// # Ordering
//
// Within a Kafka partition the order of events is authoritative. The ordering value is the
// event's position in the source: source.lsn for PostgreSQL; for MySQL and MariaDB the number at
// the end of source.file above 36 bits of source.pos. Rows of snapshots without position, such as
// PostgreSQL's incremental ones, take the highest seen in their partition so far, and rows of
// other snapshots no less than that: after a failover positions may begin anew, and the snapshot
// that follows it counts. After a row of a snapshot no event of that partition gets less, so that
// an update which follows such a row in Kafka never loses against it: transactions that were
// under way when the snapshot was taken have lower positions. Equal ordering values mean: the
// later row wins.
//
// Binary logs of two servers count on their own, and a connector goes over from one to the other
// without a word. An event below the highest position of its partition that was written after
// the one there (its GTID is of the same series and not less), or by another server (where the
// series differ, or there are no GTIDs), is of another log: from then on no event of the
// partition gets less than what was seen, as after a snapshot. Otherwise it was sent twice, and
// its position counts.
package cdc
