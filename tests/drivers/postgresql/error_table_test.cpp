// The table from SQLSTATE to XA code: every row a user can meet, and what is not in it.

#include "error_table.hpp"

#include <string_view>
#include <vector>

#include "catch.hpp"
#include "connect_errors.hpp"

using xabridge::postgresql::meaning_of;
using xabridge::postgresql::Phase;

namespace {
struct Case {
  Phase phase;
  std::string_view sqlstate;
  int xa_code;
};
const std::vector<Case> cases{
    {Phase::work, "40P01", XA_RBDEADLOCK},   // deadlock_detected
    {Phase::work, "40001", XA_RBTRANSIENT},  // serialization_failure
    {Phase::work, "40003", XA_RBTRANSIENT},  // statement_completion_unknown
    {Phase::work, "40002", XA_RBINTEGRITY},  // transaction_integrity_constraint_violation
    {Phase::work, "23505", XA_RBINTEGRITY},  // unique_violation
    {Phase::work, "23503", XA_RBINTEGRITY},  // foreign_key_violation
    {Phase::work, "57014", XA_RBTIMEOUT},    // query_canceled
    {Phase::work, "55P03", XA_RBTRANSIENT},  // lock_not_available
    {Phase::work, "25P02", XA_RBROLLBACK},   // in_failed_sql_transaction
    {Phase::work, "25006", XA_RBPROTO},      // read_only_sql_transaction
    {Phase::work, "42710", XA_RBPROTO},      // duplicate gid
    {Phase::work, "55000", XA_RBOTHER},      // prepared transactions are disabled
    {Phase::work, "53200", XA_RBTRANSIENT},  // maximum of prepared transactions reached
    {Phase::work, "53100", XA_RBTRANSIENT},  // disk_full
    {Phase::work, "0A000", XA_RBOTHER},      // temporary tables and the like
    {Phase::work, "42P01", XA_RBOTHER},      // undefined_table
    {Phase::work, "XX000", XA_RBOTHER},      // internal_error
    {Phase::work, "", XA_RBOTHER},          {Phase::work, "57P01", XAER_RMFAIL},  // admin_shutdown
    {Phase::work, "08006", XAER_RMFAIL},  // connection_failure
    {Phase::begin, "25006", XAER_RMFAIL},   {Phase::begin, "57014", XAER_RMFAIL},
    {Phase::second, "42704", XAER_NOTA},    {Phase::second, "55000", XA_RETRY},
    {Phase::second, "0A000", XAER_RMERR},   {Phase::second, "42501", XAER_RMERR},
    {Phase::second, "25001", XAER_RMFAIL},  {Phase::second, "25006", XAER_RMFAIL},
    {Phase::second, "57P02", XAER_RMFAIL},  {Phase::second, "08006", XAER_RMFAIL},
    {Phase::second, "57014", XA_RETRY},     {Phase::second, "53100", XA_RETRY},
    {Phase::second, "", XA_RETRY},
};
}  // namespace

TEST_CASE("each SQLSTATE has the XA code the table says") {
  for (const Case& c : cases) {
    INFO(c.sqlstate);
    CHECK(meaning_of(c.phase, c.sqlstate).xa_code == c.xa_code);
  }
}

TEST_CASE("no error of phase two is taken for completion or for a rollback") {
  for (const char* code :
       {"00000", "01000", "40001", "40P01", "23505", "42601", "99999", "5", ""}) {
    const int answer = meaning_of(Phase::second, code).xa_code;
    CHECK(answer == XA_RETRY);
  }
}

// libpq tries a refused password a second time without TLS, and says so twice.
TEST_CASE("what libpq says twice of a connection is told once") {
  const std::string refused = "connection to server failed: FATAL: password authentication failed";
  const auto error =
      xabridge::postgresql::connect_error(refused + "\n" + refused + " \nother\n", "host=x");
  CHECK(error.server_text == refused + "\nother");
  CHECK(xabridge::postgresql::connect_error(refused, "").server_text == refused);
  CHECK(xabridge::postgresql::connect_error("", "").server_text.empty());
}

TEST_CASE("a server that is not PostgreSQL is told as that, with the right driver") {
  const auto error = xabridge::postgresql::connect_error(
      "connection to server failed: received invalid response to SSL negotiation: K", "host=x");
  CHECK(error.message.find("driver = \"mysql\"") != std::string::npos);
}
