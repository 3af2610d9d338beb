// SlowCommit: holds PREPARE TRANSACTION and COMMIT of a corner's branches open until released, by a
// deferred trigger that waits for a lock. PostgreSQL offers no other point to stop at.
#pragma once

#include <string>

#include "fixture.hpp"

namespace xabridge::test {

class SlowCommit {
 public:
  SlowCommit(PGconn* admin, const std::string& table) : admin_(admin), name_(unique_name("slow")) {
    const std::string lock = "(hashtext('" + name_ + "'))";
    REQUIRE(sql(admin_, "CREATE FUNCTION " + name_ +
                            "() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM "
                            "pg_advisory_xact_lock" +
                            lock + "; RETURN NULL; END$$")
                .ok);
    REQUIRE(sql(admin_, "CREATE CONSTRAINT TRIGGER " + name_ + " AFTER UPDATE ON " + table +
                            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION " +
                            name_ + "()")
                .ok);
    REQUIRE(sql(admin_, "SELECT pg_advisory_lock" + lock).ok);
  }
  SlowCommit(const SlowCommit&) = delete;
  SlowCommit& operator=(const SlowCommit&) = delete;
  ~SlowCommit() {
    release();
    sql(admin_, "DROP FUNCTION IF EXISTS " + name_ + " CASCADE");
  }
  void release() { sql(admin_, "SELECT pg_advisory_unlock_all()"); }

 private:
  PGconn* admin_;
  std::string name_;
};

}  // namespace xabridge::test
