// The calls of <xabridge/mysql.h> that take a result. Part of libxabridge and of libxabridge_mysql:
// a program links one of them.

#include <xabridge/rm/mysql_result.hpp>

namespace {

constexpr const char* kNoMemory =
    "out of memory: there is no result; whether the statement was "
    "executed is not known, roll the transaction back";

}  // namespace

extern "C" {

void xabridge_mysql_free(xabridge_mysql_result* result) { delete result; }

int xabridge_mysql_error(const xabridge_mysql_result* result) {
  return result == nullptr ? XAER_RMERR : result->error();
}

const char* xabridge_mysql_sqlstate(const xabridge_mysql_result* result) {
  return result == nullptr ? "" : result->sqlstate();
}

const char* xabridge_mysql_message(const xabridge_mysql_result* result) {
  return result == nullptr ? kNoMemory : result->message();
}

long long xabridge_mysql_affected_rows(const xabridge_mysql_result* result) {
  return result == nullptr ? 0 : result->affected_rows();
}

size_t xabridge_mysql_row_count(const xabridge_mysql_result* result) {
  return result == nullptr ? 0 : result->row_count();
}

size_t xabridge_mysql_column_count(const xabridge_mysql_result* result) {
  return result == nullptr ? 0 : result->column_count();
}

const char* xabridge_mysql_column_name(const xabridge_mysql_result* result, size_t column) {
  return result == nullptr ? nullptr : result->column_name(column);
}

int xabridge_mysql_next(xabridge_mysql_result* result) {
  return result != nullptr && result->next() ? 1 : 0;
}

int xabridge_mysql_is_null(const xabridge_mysql_result* result, size_t column) {
  return result == nullptr ? -1 : result->is_null(column);
}

int xabridge_mysql_get_integer(xabridge_mysql_result* result, size_t column, long long* value) {
  return result == nullptr ? -1 : result->get_integer(column, value);
}

int xabridge_mysql_get_double(xabridge_mysql_result* result, size_t column, double* value) {
  return result == nullptr ? -1 : result->get_double(column, value);
}

int xabridge_mysql_get_text(xabridge_mysql_result* result, size_t column, const char** text,
                            size_t* length) {
  return result == nullptr ? -1 : result->get_text(column, text, length);
}
}
