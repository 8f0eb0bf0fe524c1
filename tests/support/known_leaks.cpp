// Suppressions for all suites under the leak sanitizer.
// libpqxx 6.4.5 forgets one PGresult (2 KB) of every COPY that PostgreSQL refuses: stream_to::complete() throws before
// PQclear. Ours to know, not ours to free; it costs a kilobyte or two per missing partition, duplicate key or poison
// row.
extern "C" const char* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier): the sanitizer's own name
extern "C" const char* __lsan_default_suppressions() { return "leak:libpqxx\n"; }
