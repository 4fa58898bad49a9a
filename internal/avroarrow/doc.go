// Package avroarrow turns records in schema-less Avro binary into Arrow columns and back:
// the hot path of log files. Both directions are compiled once per schema into a program,
// a slice of nodes, that one loop runs for every record. Values go straight between the
// record's bytes and the buffers of the columns, without an object or an allocation each.
package avroarrow
