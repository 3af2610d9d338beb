// Role: a role of the test's own at the test server, to SET ROLE to. As long as it lives.
#pragma once

#include <string>

#include "fixture.hpp"

namespace xabridge::test {

class Role {
 public:
  /// `members`: roles that may SET ROLE to it, separated by commas; none when empty.
  Role(PGconn* admin, const std::string& members, const std::string& attributes = "")
      : admin_(admin) {
    REQUIRE(sql(admin_, "CREATE ROLE " + name_ + " " + attributes).ok);
    if (!members.empty()) REQUIRE(sql(admin_, "GRANT " + name_ + " TO " + members).ok);
  }
  Role(const Role&) = delete;
  Role& operator=(const Role&) = delete;
  ~Role() { drop(); }

  void drop() {
    if (dropped_) return;
    sql(admin_, "SET lock_timeout = '5s'");  // a branch that a failed test left keeps its locks
    sql(admin_, "DROP OWNED BY " + name_);
    dropped_ = sql(admin_, "DROP ROLE " + name_).ok;
    CHECK(dropped_);
  }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  PGconn* admin_;
  std::string name_ = unique_name("role");
  bool dropped_ = false;
};

}  // namespace xabridge::test
