// Every setting that the server has for a session and that an ordinary account may change, each
// changed in a branch of its own: none reaches the next branch.
#include <algorithm>
#include <map>

#include "compared_settings.hpp"
#include "fixture.hpp"

namespace xabridge::mysql::test {
namespace {

// Read-only, takes a privilege, read-only in a session.
constexpr int kForNobody[] = {1238, 1227, 1621};

constexpr const char* kNobody = "an ordinary account may not change it";

/// The names of all settings of a session.
std::vector<std::string> settings_of_sessions(Fixture& f) {
  const std::string source = on_mariadb() ? "information_schema.system_variables"
                                          : "performance_schema.variables_metadata";
  std::vector<std::string> names;
  for (const auto& row : f.session()
                             ->query("SELECT LOWER(variable_name) FROM " + source +
                                     " WHERE variable_scope <> 'GLOBAL' ORDER BY 1")
                             .value()) {
    names.push_back(row.at(0).value());
  }
  return names;
}

std::optional<std::string> value_of(MysqlSession& session, const std::string& name) {
  auto* connection = static_cast<sql::Connection*>(session.native());
  const std::unique_ptr<sql::Statement> statement(connection->createStatement());
  const std::unique_ptr<sql::ResultSet> row(statement->executeQuery("SELECT @@" + name));
  if (!row->next()) return "no row";  // sql_select_limit
  const std::string value = row->getString(1);
  return row->wasNull() ? std::nullopt : std::optional(value);
}

/// Values that one setting or another takes, those near the present one first.
std::vector<std::string> candidates(const std::optional<std::string>& now) {
  std::vector<std::string> values;
  const auto digit = [](unsigned char c) { return c >= '0' && c <= '9'; };
  if (now && !now->empty() && now->size() < 18 && std::ranges::all_of(*now, digit)) {
    const long long number = std::stoll(*now);
    for (const long long other : {number + 1, number - 1, number * 2, number / 2})
      values.push_back(std::to_string(other));
  }
  for (const char* value : {"0",
                            "1",
                            "2",
                            "64",
                            "1000",
                            "8192",
                            "65536",
                            "8388608",
                            "0.5",
                            "ON",
                            "OFF",
                            "''",
                            "'1'",
                            "'2001-01-01'",
                            "latin1",
                            "latin1_bin",
                            "'de_DE'",
                            "'+09:00'",
                            "'MyISAM'",
                            "'MEMORY'",
                            "'READ-COMMITTED'",
                            "'ROW'",
                            "'STATEMENT'",
                            "'MINIMAL'",
                            "'FULL'",
                            "'CHAIN'",
                            "'aes-256-cbc'",
                            "'index_merge=off'",
                            "'one_line=on'",
                            "'greedy_search=off'",
                            "'ANSI'",
                            "'nulls_equal'",
                            "'DOTALL'",
                            "'NEVER'",
                            "'PREFERABLY'",
                            "'JSON'",
                            "'TREE'",
                            "'utf8mb4_general_ci'",
                            "'BEFORE'",
                            "'ANONYMOUS'",
                            "'OWN_GTID'",
                            "'INPLACE'",
                            "'COPY'",
                            "'ZERO_OFFSET'",
                            "'admin'",
                            "'query_plan'",
                            "'autocommit'",
                            "'STATE'",
                            "'IDEMPOTENT'",
                            "'basic'",
                            "'SINGLE_PREC_HB'",
                            "'NO_DUP_KEY_WARNINGS_WITH_IGNORE'",
                            "'KEEP'",
                            "'PARTIAL_JSON'",
                            "'sp'",
                            "'slave'",
                            "'other'",
                            "'NBO'",
                            "'RSU'",
                            "'xabridge/stop'",
                            "'Default'",
                            "'FORCED'",
                            "'DEMAND'",
                            "'default'",
                            "'low'",
                            "'/tmp'",
                            "'rows'",
                            "'auto'",
                            "'NONE'",
                            "NULL"}) {
    values.emplace_back(value);
  }
  return values;
}

/// Changes the setting in the branch of `session`; empty: done. Else why it cannot be.
std::string change(MysqlSession& session, const std::string& name) {
  const auto before = value_of(session, name);
  int refusal = 0;
  std::string last;
  for (const std::string& value : candidates(before)) {
    last = "SET SESSION " + name + " = " + value;
    refusal = Fixture::work(session, last);
    if (std::ranges::count(kForNobody, refusal) != 0) return kNobody;
    if (refusal == 0 && value_of(session, name) != before) return {};
  }
  return last + ": " + std::to_string(refusal);
}

/// Settings that cannot be changed in this test.
const std::map<std::string, std::string>& left_out() {
  static std::map<std::string, std::string> reasons = {
      {"autocommit", "refused in a branch, and switched off again after work outside"},
      {"external_table_storage_engine", "no engine of the test server has external tables"},
      {"innodb_ft_user_stopword_table", "takes a table of a certain form"},
      {"net_buffer_length", "a session may only read it"},
      {"query_cache_type", "switched off in the whole server"},
      {"resultset_metadata", "the client library does not offer it"},
  };
  // Galera's, in a server that is in no cluster.
  for (const char* name :
       {"wsrep_gtid_seq_no", "wsrep_trx_fragment_size", "wsrep_trx_fragment_unit"})
    reasons.emplace(name, "refused outside a cluster");
  return reasons;
}

}  // namespace

TEST_CASE("no setting of a session reaches the next branch") {
  Fixture f;
  int changed = 0;
  for (const std::string& name : settings_of_sessions(f)) {
    if (is_exempt(name) || left_out().contains(name)) continue;
    CAPTURE(name);
    auto session = f.session();
    const Xid xid = f.xid();
    REQUIRE(session->begin(xid).code == XA_OK);
    std::string refusal = change(*session, name);
    REQUIRE(session->rollback(xid).code == XA_OK);
    if (!refusal.empty() && refusal != kNobody) {  // some can be set in no transaction
      REQUIRE(session->begin_native().code == XA_OK);
      refusal = change(*session, name);
      REQUIRE(session->end_native().code == XA_OK);
    }
    if (refusal == kNobody) continue;
    CAPTURE(refusal);
    CHECK(refusal.empty());
    CHECK(!session->reusable());
    ++changed;
  }
  CHECK(changed > 100);
}

}  // namespace xabridge::mysql::test
