// Statements through tx.postgresql() and tx.mysql(): values in, rows and counts out, and what the
// server refuses as an exception.
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>

#include "catch.hpp"
#include "real_servers.hpp"

using xabridge::Exception;
using xabridge::Outcome;
using xabridge::OutcomeKind;
using xabridge::Row;
using xabridge::Rows;
using xabridge::StatementError;
using xabridge::Transaction;
using xabridge::TransactionManager;

namespace {

struct StatementServers : RealServers {
  TransactionManager tm{config()};
  const std::string update_pg = "UPDATE " + account + " SET balance = balance + $1 WHERE id = $2";
  const std::string update_my = "UPDATE " + account + " SET balance = balance + ? WHERE id = ?";
  const std::string read_pg = "SELECT balance FROM " + account + " WHERE id = $1";
  const std::string read_my = "SELECT balance FROM " + account + " WHERE id = ?";
};

/// The Error of what `work` throws.
template <class Thrown, class Work>
xabridge::Error error_of(const Work& work) {
  try {
    work();
  } catch (const Thrown& thrown) {
    return thrown.error();
  }
  FAIL("no exception");
  return {};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE_METHOD(StatementServers, "A transfer is two statements, and hands out what it read") {
  const auto outcome = tm.run([&](Transaction& tx) {
    auto accounts = tx.postgresql("accounts");
    auto ledger = tx.mysql("ledger");
    CHECK(accounts.execute(update_pg, -50, 1) == 1);
    CHECK(ledger.execute(update_my, 50, 1) == 1);
    CHECK(ledger.execute(update_my, 50, 4711) == 0);
    return accounts.query_row(read_pg, 1)->get<long>(0) +
           ledger.query_row(read_my, 1)->get<long>("balance");
  });
  CHECK(outcome.committed());
  CHECK(outcome.value == 2000);
  CHECK(pg_balance(1) == 950);
  CHECK(my_balance(1) == 1050);
}

TEST_CASE_METHOD(StatementServers, "Every value arrives as it was given and is read as it was") {
  const std::string text = "it's \"\\ ü";
  const std::string with_end("a\0b", 3);
  const auto bytes = std::as_bytes(std::span(with_end));
  const std::optional<int> none;
  const auto big = std::numeric_limits<std::int64_t>::min();
  const auto check = [&](const Row& row) {
    CHECK(row.get<std::int64_t>("big") == big);
    CHECK(row.get<double>("pi") == 0.1);
    CHECK(row.get<std::string>("words") == text);
    CHECK(row.get<std::string>("raw") == with_end);
    CHECK(row.get<bool>("yes"));
    CHECK(row.is_null("nothing"));
    CHECK_FALSE(row.get<std::optional<long>>("nothing"));
    CHECK(row.get<std::optional<bool>>(4) == true);
    CHECK(row.size() == 6);
  };
  const Outcome outcome = tm.run([&](Transaction& tx) {
    check(
        *tx.postgresql("accounts")
             .query_row(
                 "SELECT $1::bigint AS big, $2::float8 AS pi, $3::text AS words, $4::bytea AS raw,"
                 " $5::bool AS yes, $6::int AS nothing",
                 big, 0.1, text, bytes, true, none));
    check(
        *tx.mysql("ledger").query_row("SELECT ? AS big, ? AS pi, ? AS words, ? AS raw, ? AS yes,"
                                      " ? AS nothing",
                                      big, 0.1, text, bytes, true, none));
    // Larger than an integer of either interface.
    const auto huge = std::numeric_limits<std::uint64_t>::max();
    CHECK(tx.postgresql("accounts").query_row("SELECT $1::numeric", huge)->get<std::uint64_t>(0) ==
          huge);
    CHECK(tx.mysql("ledger").query_row("SELECT ?", huge)->get<std::uint64_t>(0) == huge);
    CHECK(tx.postgresql("accounts").query_row("SELECT $1::text", "")->get<std::string>(0).empty());
    CHECK_FALSE(tx.mysql("ledger").query_row("SELECT ?", "")->is_null(0));
    const char* const no_text = nullptr;
    CHECK(tx.postgresql("accounts").query_row("SELECT $1::text", no_text)->is_null(0));
    CHECK(tx.mysql("ledger").query_row("SELECT ?", nullptr)->is_null(0));
  });
  CHECK(outcome.committed());
}

TEST_CASE_METHOD(StatementServers, "Rows outlive their transaction, and one may be all there is") {
  std::optional<Rows> accounts;
  std::optional<Row> last;
  const Outcome outcome = tm.run([&](Transaction& tx) {
    accounts =
        tx.postgresql("accounts").query("SELECT id, balance FROM " + account + " ORDER BY id");
    for (const Row& row :
         tx.mysql("ledger").query("SELECT id, balance FROM " + account + " ORDER BY id"))
      last = row;
    CHECK_FALSE(tx.mysql("ledger").query_row(read_my, 4711));
    CHECK(tx.postgresql("accounts").query(read_pg, 4711).empty());
  });
  REQUIRE(outcome.committed());
  CHECK(accounts->size() == 4);
  CHECK(accounts->columns() == std::vector<std::string>{"id", "balance"});
  CHECK((*accounts)[3].get<int>("id") == 4);
  CHECK(last->get<int>("id") == 4);
}

TEST_CASE_METHOD(StatementServers, "What a row does not have is refused and says what it has") {
  const auto row = [&] {
    std::optional<Row> read;
    (void)tm.run([&](Transaction& tx) {
      read = tx.mysql("ledger").query_row("SELECT 'x' AS word, NULL AS gone, 300 AS large");
    });
    return *read;
  }();
  const auto refusal = [&](const auto& work) {
    const xabridge::Error e = error_of<Exception>(work);
    CHECK(e.xa_code == XAER_INVAL);
    return e.message;
  };
  CHECK(contains(refusal([&] { (void)row.get<int>("wort"); }), "there are: word, gone, large"));
  CHECK(contains(refusal([&] { (void)row.get<int>(3); }), "the row has 3"));
  CHECK(contains(refusal([&] { (void)row.get<int>("gone"); }), "column 'gone' is NULL"));
  CHECK(contains(refusal([&] { (void)row.get<int>("word"); }), "'x', which is no number"));
  CHECK(contains(refusal([&] { (void)row.get<std::int8_t>("large"); }), "'300'"));
  CHECK(contains(refusal([&] { (void)row.get<bool>("word"); }), "neither true nor false"));
}

TEST_CASE_METHOD(StatementServers, "A statement that fails says what the server said and where") {
  Transaction tx = tm.begin();
  const auto at_pg = error_of<StatementError>([&] {
    tx.postgresql("accounts").execute("INSERT INTO " + account + " VALUES ($1, $2)", 1, 0);
  });
  CHECK(at_pg.sqlstate == "23505");
  CHECK(at_pg.xa_code == XA_RBINTEGRITY);
  CHECK(at_pg.resource_manager == "accounts");
  CHECK(contains(at_pg.message, "'INSERT INTO " + account));
  CHECK(contains(at_pg.server_text, "duplicate key"));
  const auto at_my = error_of<StatementError>(
      [&] { tx.mysql("ledger").execute("INSERT INTO " + account + " VALUES (?, ?)", 1, 0); });
  CHECK(at_my.vendor_code == 1062);
  CHECK(at_my.sqlstate == "23000");
  CHECK(at_my.resource_manager == "ledger");
  CHECK(contains(at_my.server_text, "Duplicate entry"));
  // PostgreSQL's branch is doomed by it, whatever the program thinks.
  CHECK(tx.commit().kind == OutcomeKind::rolled_back);
}

TEST_CASE_METHOD(StatementServers, "A wrong number of values or none of a statement is refused") {
  Transaction tx = tm.begin();
  const auto too_few = error_of<StatementError>([&] { tx.mysql("ledger").execute(update_my, 1); });
  CHECK(too_few.xa_code == XAER_INVAL);
  CHECK(contains(too_few.message, "has 2 parameters (?), 1 value was given"));
  CHECK(tx.mysql("ledger").execute(update_my, 1, 1) == 1);  // the connection is as before
  CHECK(error_of<StatementError>([&] { tx.mysql("ledger").execute(update_my); }).vendor_code ==
        1064);
  CHECK(error_of<StatementError>([&] { tx.postgresql("accounts").execute(""); }).xa_code ==
        XAER_INVAL);
  CHECK(tx.commit().committed());
  Transaction other = tm.begin();
  CHECK(error_of<StatementError>([&] {
          other.postgresql("accounts").execute(update_pg, 1);
        }).sqlstate == "08P01");
  (void)other.rollback();
  Transaction third = tm.begin();
  // One statement at a time: nothing rides along.
  CHECK(error_of<StatementError>([&] {
          third.postgresql("accounts").execute("SELECT 1; COMMIT");
        }).sqlstate == "42601");
}

TEST_CASE_METHOD(StatementServers, "COPY is ended and leaves the connection to the transaction") {
  const std::string direction = GENERATE("FROM STDIN", "TO STDOUT");
  Transaction tx = tm.begin();
  const auto copy = error_of<StatementError>(
      [&] { tx.postgresql("accounts").execute("COPY " + account + " " + direction); });
  CHECK(copy.xa_code == XAER_INVAL);
  CHECK(contains(copy.message, "PQputCopyData"));
  const bool failed = direction == "FROM STDIN";
  CHECK((tx.commit().kind == OutcomeKind::rolled_back) == failed);
}

TEST_CASE_METHOD(StatementServers, "A statement that may succeed next time is repeated by run") {
  int attempts = 0;
  // As the victim of a serialization failure is told.
  const Outcome outcome = tm.run([&](Transaction& tx) {
    if (++attempts == 1)
      tx.postgresql("accounts")
          .execute("DO $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '40001'; END $$");
    CHECK(tx.mysql("ledger").execute(update_my, 1, 2) == 1);
  });
  CHECK(outcome.committed());
  CHECK(attempts == 2);
  REQUIRE(outcome.retries.size() == 1);
  CHECK(contains(outcome.retries[0].reason, "not now"));
}

TEST_CASE_METHOD(StatementServers, "A call that answers several sets of rows gives the first") {
  my_admin("CREATE PROCEDURE " + account + "_two() BEGIN SELECT 1 AS a; SELECT 2 AS b; END");
  const Outcome outcome = tm.run([&](Transaction& tx) {
    const Rows rows = tx.mysql("ledger").query("CALL " + account + "_two()");
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].get<int>("a") == 1);
    CHECK(tx.mysql("ledger").execute(update_my, 1, 2) == 1);
  });
  CHECK(outcome.committed());
  my_admin("DROP PROCEDURE " + account + "_two");
}
