// ForeignTable: a table of postgres_fdw, at the test server, that is the corner's own table.
#pragma once

#include <string>

#include "fixture.hpp"

namespace xabridge::test {

/// A foreign table that leads, by postgres_fdw, to the corner's table. As long as it lives.
class ForeignTable {
 public:
  ForeignTable(Corner& corner, rm::Session& user) : admin_(corner.admin()) {
    const auto* const used = static_cast<const PGconn*>(user.native());
    const std::string password = PQpass(used);
    REQUIRE(sql(admin_, "CREATE EXTENSION IF NOT EXISTS postgres_fdw").ok);
    REQUIRE(sql(admin_, "DO $$BEGIN EXECUTE format('CREATE SERVER " + name_ +
                            " FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host ''127.0.0.1'',"
                            " port %L, dbname %L)', current_setting('port'), current_database());"
                            " END$$")
                .ok);
    REQUIRE(sql(admin_, "CREATE USER MAPPING FOR PUBLIC SERVER " + name_ + " OPTIONS (user '" +
                            PQuser(used) + "', password '" + password +
                            "', password_required 'false')")
                .ok);
    REQUIRE(sql(admin_, "CREATE FOREIGN TABLE " + name_ + " (id int, amount int) SERVER " + name_ +
                            " OPTIONS (table_name '" + corner.table() + "')")
                .ok);
    REQUIRE(sql(admin_, "GRANT ALL ON " + name_ + " TO PUBLIC").ok);
  }
  ForeignTable(const ForeignTable&) = delete;
  ForeignTable& operator=(const ForeignTable&) = delete;
  ~ForeignTable() { sql(admin_, "DROP SERVER IF EXISTS " + name_ + " CASCADE"); }

  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  PGconn* admin_;
  const std::string name_ = unique_name("foreign");
};

}  // namespace xabridge::test
