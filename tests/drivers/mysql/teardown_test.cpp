// MariaDB's trap (teardown.hpp): a branch is completed at once after its session was ended, while
// the server is still letting go of it.
#include <dirent.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdlib>
#include <memory>
#include <set>

#include "fixture.hpp"

namespace xabridge::mysql::test {
namespace {

std::set<int> sockets() {
  std::set<int> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), ::closedir);
  REQUIRE(folder);
  while (const dirent* entry = ::readdir(folder.get())) {
    const int number = std::atoi(entry->d_name);
    struct stat status {};
    if (::fstat(number, &status) == 0 && S_ISSOCK(status.st_mode)) found.insert(number);
  }
  return found;
}

/// A session and the socket it talks through.
struct Owner {
  std::unique_ptr<MysqlSession> session;
  int socket = -1;

  explicit Owner(const std::shared_ptr<const Settings>& settings) {
    const std::set<int> before = sockets();
    session = MysqlSession::open(settings, "").value();
    for (const int s : sockets())
      if (!before.contains(s)) socket = s;
    REQUIRE(socket >= 0);
  }
};

}  // namespace

TEST_CASE("what is completed while its session ends is completed or said to be unknown") {
  constexpr int rounds = 20;
  Fixture f;
  Plain admin(server_setting("_ADMIN"));
  const auto settings = std::make_shared<const Settings>(
      parse_settings(open_string_with("sslmode", "disable")).value());
  auto other = MysqlSession::open(settings, "").value();
  const std::string locks = locks_that_delay(f.table);
  const bool killed = GENERATE(true, false);
  const bool commit = GENERATE(true, false);
  for (int round = 11; round < 11 + rounds; ++round) {
    CAPTURE(killed, commit, round);
    const std::string row = f.table + " WHERE id = " + std::to_string(round);
    const Xid xid = f.xid();
    Owner owner(settings);
    REQUIRE(owner.session->begin(xid).code == XA_OK);
    REQUIRE(Fixture::work(*owner.session, "INSERT INTO " + f.table + " VALUES (" +
                                              std::to_string(round) + ", 1)") == 0);
    REQUIRE(Fixture::work(*owner.session, locks) == 0);
    REQUIRE(owner.session->end(xid).code == XA_OK);
    REQUIRE(owner.session->prepare(xid).code == XA_OK);
    if (killed) {
      admin.run("KILL CONNECTION " + owner.session->server_id());
    } else {
      REQUIRE(::shutdown(owner.socket, SHUT_RDWR) == 0);
    }
    const auto answer = Fixture::settled(*other, commit, xid);
    CHECK(!f.listed(xid));
    if (answer.code == XA_OK) {
      REQUIRE(f.observer.value("SELECT COUNT(*) FROM " + row) == (commit ? "1" : "0"));
      // Nothing is locked either.
      REQUIRE_NOTHROW(f.observer.value("SELECT v FROM " + row + " FOR UPDATE NOWAIT"));
      continue;
    }
    // Its session began to end between the look before the verb and the verb.
    INFO(answer.error->to_string());
    CHECK(answer.code == XAER_RMFAIL);
    CHECK(!answer.error->outcome_known);
    other = MysqlSession::open(settings, "").value();
    CHECK(other->commit_prepared(xid).code == XA_RETRY);
    control("kill");
    control("start");
    f.observer = Plain(open_string());
    admin = Plain(server_setting("_ADMIN"));
    other = MysqlSession::open(settings, "").value();
    CHECK(Fixture::settled(*other, commit, xid).code == XA_OK);
    CHECK(f.observer.value("SELECT COUNT(*) FROM " + row) == (commit ? "1" : "0"));
  }
}

}  // namespace xabridge::mysql::test
