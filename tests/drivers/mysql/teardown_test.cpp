// A branch completed at once after its session was ended, while MariaDB is still letting go of it.
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

/// Locks that the server releases one by one after it has given the branch away and before it tells
/// InnoDB: what it does there takes microseconds else.
std::string many_locks(const std::string& name) {
  std::string sql = "SELECT 0";
  for (int i = 0; i < 1000; ++i) sql += ", GET_LOCK('" + name + std::to_string(i) + "', 0)";
  return sql;
}

}  // namespace

TEST_CASE("what is completed while its session ends is completed") {
  constexpr int rounds = 20;
  Fixture f;
  Plain admin(server_setting("_ADMIN"));
  const auto settings = std::make_shared<const Settings>(
      parse_settings(open_string_with("sslmode", "disable")).value());
  auto other = MysqlSession::open(settings, "").value();
  const std::string locks = many_locks(f.table);
  const bool killed = GENERATE(true, false);
  const bool commit = GENERATE(true, false);
  CAPTURE(killed, commit);
  int expected = 0;
  for (int round = 1; round <= rounds; ++round) {
    CAPTURE(round);
    const Xid xid = f.xid();
    Owner owner(settings);
    REQUIRE(owner.session->begin(xid).code == XA_OK);
    REQUIRE(Fixture::work(*owner.session, f.set(1, round)) == 0);
    REQUIRE(Fixture::work(*owner.session, locks) == 0);
    REQUIRE(owner.session->end(xid).code == XA_OK);
    REQUIRE(owner.session->prepare(xid).code == XA_OK);
    if (killed) {
      admin.run("KILL CONNECTION " + owner.session->server_id());
    } else {
      REQUIRE(::shutdown(owner.socket, SHUT_RDWR) == 0);
    }
    // A commit of which nobody can say whether it was one is asked for again, as XA_RETRY is.
    (void)eventually([&] {
      const auto answer = Fixture::settled(*other, commit, xid);
      if (answer.code == XAER_RMFAIL) other = MysqlSession::open(settings, "").value();
      return answer.code != XAER_RMFAIL;
    });
    if (commit) expected = round;
    REQUIRE(f.v(1) == expected);
    REQUIRE(!f.listed(xid));
    REQUIRE_NOTHROW(
        f.observer.value("SELECT v FROM " + f.table + " WHERE id = 1 FOR UPDATE NOWAIT"));
  }
}

}  // namespace xabridge::mysql::test
