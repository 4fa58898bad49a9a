// The C side of the bridge to DuckDB: the table function by which DuckDB reads our rows, and
// the conversion of chunks to and from Arrow. DuckDB's functions are declared here because
// its header lies in another module; the declarations are those of DuckDB 1.5.
#ifndef HUDI_SQL_BRIDGE_H
#define HUDI_SQL_BRIDGE_H

#include <stdbool.h>
#include <stdint.h>

struct ArrowSchema;
struct ArrowArray {
	int64_t length, null_count, offset, n_buffers, n_children;
	const void **buffers;
	struct ArrowArray **children;
	struct ArrowArray *dictionary;
	void (*release)(struct ArrowArray *);
	void *private_data;
};

// hudi_register gives a connection the table function hudi_scan(BIGINT) of a database (a Go
// handle). It returns false when DuckDB refuses.
bool hudi_register(void *connection, uintptr_t db);
// The data of a scan are Go handles, which DuckDB gives back when it is done with them.
void hudi_bind_data(void *info, uintptr_t scan);
void hudi_init_data(void *info, uintptr_t cursor);

// hudi_schema converts an Arrow schema for hudi_chunk. Errors are DuckDB's, NULL if none.
void *hudi_schema(void *connection, void *arrow_schema, void **converted);
void hudi_free_schema(void *converted);
// hudi_chunk makes a chunk whose vectors refer to the array, which the caller keeps.
void *hudi_chunk(void *connection, struct ArrowArray *array, void *converted, void **chunk);
// hudi_answer_schema and hudi_answer convert what a statement answers to Arrow.
void *hudi_answer_schema(void *options, void **types, const char **names, uint64_t columns, void *arrow_schema);
void *hudi_answer(void *options, void *chunk, void *arrow_array);

#endif
