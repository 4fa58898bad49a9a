//go:build cgo && (linux || darwin) && (amd64 || arm64)

#include "bridge.h"

#include "_cgo_export.h"

typedef void *handle;
typedef void (*on_delete)(void *);
typedef void (*on_info)(handle);
typedef void (*on_scan)(handle, handle);

extern handle duckdb_create_table_function(void);
extern void duckdb_destroy_table_function(handle *);
extern void duckdb_table_function_set_name(handle, const char *);
extern handle duckdb_create_logical_type(int);
extern void duckdb_destroy_logical_type(handle *);
extern void duckdb_table_function_add_parameter(handle, handle);
extern void duckdb_table_function_set_extra_info(handle, void *, on_delete);
extern void duckdb_table_function_set_bind(handle, on_info);
extern void duckdb_table_function_set_init(handle, on_info);
extern void duckdb_table_function_set_local_init(handle, on_info);
extern void duckdb_table_function_set_function(handle, on_scan);
extern void duckdb_table_function_supports_projection_pushdown(handle, bool);
extern int duckdb_register_table_function(handle, handle);
extern void *duckdb_bind_get_extra_info(handle);
extern void duckdb_bind_set_bind_data(handle, void *, on_delete);
extern void *duckdb_init_get_bind_data(handle);
extern void duckdb_init_set_init_data(handle, void *, on_delete);
extern void *duckdb_function_get_init_data(handle);
extern void *duckdb_function_get_local_init_data(handle);
extern handle duckdb_schema_from_arrow(handle, struct ArrowSchema *, handle *);
extern void duckdb_destroy_arrow_converted_schema(handle *);
extern handle duckdb_data_chunk_from_arrow(handle, struct ArrowArray *, handle, handle *);
extern handle duckdb_to_arrow_schema(handle, handle *, const char **, uint64_t, struct ArrowSchema *);
extern handle duckdb_data_chunk_to_arrow(handle, handle, struct ArrowArray *);

enum { duckdb_bigint = 5 };

static void drop(void *data) { hudiDrop((uintptr_t)data); }
static void bind(handle info) { hudiBind(info, (uintptr_t)duckdb_bind_get_extra_info(info)); }
static void init(handle info) { hudiInit(info, (uintptr_t)duckdb_init_get_bind_data(info)); }
static void local_init(handle info) { hudiLocalInit(info); }

static void scan(handle info, handle output) {
	hudiScan(info, output, (uintptr_t)duckdb_function_get_init_data(info), (uintptr_t)duckdb_function_get_local_init_data(info));
}

bool hudi_register(void *connection, uintptr_t db) {
	handle f = duckdb_create_table_function(), bigint = duckdb_create_logical_type(duckdb_bigint);
	duckdb_table_function_set_name(f, "hudi_scan");
	duckdb_table_function_add_parameter(f, bigint);
	duckdb_table_function_set_extra_info(f, (void *)db, 0);
	duckdb_table_function_set_bind(f, bind);
	duckdb_table_function_set_init(f, init);
	duckdb_table_function_set_local_init(f, local_init);
	duckdb_table_function_set_function(f, scan);
	duckdb_table_function_supports_projection_pushdown(f, true);
	int failed = duckdb_register_table_function(connection, f);
	duckdb_destroy_logical_type(&bigint);
	duckdb_destroy_table_function(&f);
	return !failed;
}

void hudi_bind_data(void *info, uintptr_t scan) { duckdb_bind_set_bind_data(info, (void *)scan, drop); }
void hudi_init_data(void *info, uintptr_t cursor) { duckdb_init_set_init_data(info, (void *)cursor, drop); }

void *hudi_schema(void *connection, void *arrow_schema, void **converted) {
	return duckdb_schema_from_arrow(connection, arrow_schema, converted);
}

void hudi_free_schema(void *converted) { duckdb_destroy_arrow_converted_schema(&converted); }

// DuckDB hands the whole array to the vector of its first column, and the other vectors would
// lose their memory with it. So it gets an array that owns nothing.
static void release_nothing(struct ArrowArray *array) { array->release = 0; }

void *hudi_chunk(void *connection, struct ArrowArray *array, void *converted, void **chunk) {
	struct ArrowArray borrowed = *array;
	borrowed.release = release_nothing;
	return duckdb_data_chunk_from_arrow(connection, &borrowed, converted, chunk);
}

void *hudi_answer_schema(void *options, void **types, const char **names, uint64_t columns, void *arrow_schema) {
	return duckdb_to_arrow_schema(options, types, names, columns, arrow_schema);
}

void *hudi_answer(void *options, void *chunk, void *arrow_array) { return duckdb_data_chunk_to_arrow(options, chunk, arrow_array); }
