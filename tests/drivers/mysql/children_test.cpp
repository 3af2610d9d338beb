// Sessions and the children of the process that has them: a session ends with its process, and no
// child can use it.

#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <set>

#include "amid_log_ins.hpp"
#include "at_exit.hpp"
#include "fixture.hpp"
#include "in_child.hpp"

namespace xabridge::mysql::test {
namespace {

std::unique_ptr<MysqlSession> open_session(const std::string& text) {
  auto settings = parse_settings(text);
  REQUIRE(settings);
  auto session = MysqlSession::open(std::make_shared<const Settings>(*std::move(settings)), "");
  if (!session) FAIL(session.error().to_string());
  return *std::move(session);
}

/// "socket:[inode]" of each socket this process has.
std::set<std::string> sockets() {
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(entry, gone).string();
    if (target.starts_with("socket:")) found.insert(target);
  }
  return found;
}

std::string output_of(const char* command) {
  std::FILE* const program = ::popen(command, "r");
  REQUIRE(program != nullptr);
  std::string text;
  std::array<char, 4096> part{};
  while (const auto length = std::fread(part.data(), 1, part.size(), program))
    text.append(part.data(), length);
  ::pclose(program);
  return text;
}

/// Has this process's child the sockets that this process has, and had not `before`?
void check_not_inherited(const std::set<std::string>& before) {
  const auto now = sockets();
  const std::string inherited = output_of("ls -l /proc/self/fd");
  int ours = 0;
  for (const auto& socket : now) {
    if (before.contains(socket)) continue;
    ++ours;
    CHECK(inherited.find(socket) == std::string::npos);
  }
  CHECK(ours > 0);
}

}  // namespace

TEST_CASE("a program started from here inherits no session") {
  const auto before = sockets();
  SECTION("over TCP") {
    const auto session = open_session(open_string_with("sslmode", "disable"));
    check_not_inherited(before);
  }
  SECTION("over TLS") {
    const auto session = open_session(open_string_with("sslmode", "require"));
    check_not_inherited(before);
  }
  SECTION("over a socket file") {
    const auto session =
        open_session(open_string_with("host", "") + " socket=" + server_setting("_SOCKET"));
    check_not_inherited(before);
  }
}

TEST_CASE("a session ends with its process, whatever its children do") {
  for (const Left how : {Left::forked, Left::started}) {
    Fixture f;
    const Xid xid = f.xid();
    const pid_t child = die_and_leave_child(how, [&] {
      auto session = open_session(open_string());
      const bool done =
          session->begin(xid).code == XA_OK && Fixture::work(*session, f.set(1, 7)) == 0;
      return done ? std::move(session) : nullptr;
    });
    CHECK(::kill(child, 0) == 0);
    f.observer.run("SET innodb_lock_wait_timeout = 20");
    CHECK(f.observer.failure(f.set(1, 9)) == 0);
    CHECK(f.v(1) == 9);
    ::kill(child, SIGKILL);
  }
}

TEST_CASE("what a child does with a session of its parent does not reach the server") {
  for (const char* const mode : {"disable", "require"}) {
    Fixture f;
    const Xid xid = f.xid();
    auto session = open_session(open_string_with("sslmode", mode));
    REQUIRE(session->begin(xid).code == XA_OK);
    REQUIRE(Fixture::work(*session, f.set(1, 7)) == 0);
    CHECK(in_child([&] {
            const bool done = Fixture::work(*session, f.set(2, 7)) == 0;
            session.reset();  // says goodbye
            return done ? 1 : 0;
          }) == 0);
    CHECK(session->end(xid).code == XA_OK);
    CHECK(session->commit_one_phase(xid).code == XA_OK);
    CHECK(f.v(1) == 7);
    CHECK(f.v(2) == 0);
  }
}

TEST_CASE("a child made amid the log-ins of other threads has sessions of its own") {
  const auto log_in = [] {
    MysqlServer server(parse_settings(open_string_with("sslmode", "require")).value());
    return server.connect("").ok();
  };
  CHECK(failures_amid_log_ins(5, log_in) == 0);
}

TEST_CASE("a process may exit while a thread waits for a server's greeting") {
  const auto log_in = [](int port) {
    const auto text = open_string_with("port", std::to_string(port)) + " sslmode=require";
    MysqlServer server(parse_settings(text).value());
    (void)server.connect("");
  };
  const int port = parse_settings(open_string()).value().port;
  xabridge::test::check_exit_amid(log_in, 0, port);
}

TEST_CASE("a child has sessions of its own") {
  Fixture f;
  const auto session = open_session(open_string());
  CHECK(in_child([&] {
          const auto own = open_session(open_string());
          return own->alive() && own->server_id() != session->server_id() ? 0 : 1;
        }) == 0);
  CHECK(session->alive());
}

}  // namespace xabridge::mysql::test
