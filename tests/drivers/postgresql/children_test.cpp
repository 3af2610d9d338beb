// Sessions and the children of the process that has them: a session ends with its process, and no
// child can use it.

#include <csignal>
#include <xabridge/codes.hpp>

#include "amid_log_ins.hpp"
#include "at_exit.hpp"
#include "fixture.hpp"
#include "in_child.hpp"

using namespace xabridge;
using namespace xabridge::test;

TEST_CASE("a session ends with its process, whatever its children do") {
  for (const Left how : {Left::forked, Left::started}) {
    Corner corner;
    const Xid xid = corner.xid();
    const pid_t child = die_and_leave_child(how, [&] {
      SessionPtr session = corner.connect();
      const bool done = session->begin(xid).code == XA_OK && sql(*session, corner.add(1, 7)).ok;
      return done ? std::move(session) : nullptr;
    });
    CHECK(::kill(child, 0) == 0);
    CHECK(sql(corner.admin(), "SET lock_timeout = '20s'").ok);
    CHECK(sql(corner.admin(), corner.add(1, 9)).ok);
    CHECK(corner.amount(1) == 109);
    ::kill(child, SIGKILL);
  }
}

TEST_CASE("what a child does with a session of its parent does not reach the server") {
  Corner corner;
  const Xid xid = corner.xid();
  SessionPtr session = corner.connect();
  CHECK_ANSWER(session->begin(xid), XA_OK);
  CHECK(sql(*session, corner.add(1, 7)).ok);
  CHECK(in_child([&] {
          const bool done = sql(*session, corner.add(2, 7)).ok;
          session.reset();  // says goodbye
          return done ? 1 : 0;
        }) == 0);
  CHECK_ANSWER(session->end(xid), XA_OK);
  CHECK_ANSWER(session->commit_one_phase(xid), XA_OK);
  CHECK(corner.amount(1) == 107);
  CHECK(corner.amount(2) == 100);
}

TEST_CASE("a child made amid the log-ins of other threads has sessions of its own") {
  Corner corner;
  CHECK(failures_amid_log_ins(20, [&] { return corner.connect() != nullptr; }) == 0);
}

TEST_CASE("a process may exit while a thread waits for a server's answer about TLS") {
  const std::string text = environment("XABRIDGE_TEST_POSTGRESQL");
  const int server_port = std::stoi(text.substr(text.find("port=") + 5));
  const auto log_in = [&](int port) {
    std::string there = text + " sslmode=require";
    there.replace(there.find("port="), 5 + std::to_string(server_port).size(),
                  "port=" + std::to_string(port));
    (void)postgresql::driver().parse(there).value()->connect("");
  };
  constexpr std::size_t kRequest = 8;  // SSLRequest
  check_exit_amid(log_in, kRequest, server_port);
}

TEST_CASE("a child has sessions of its own") {
  Corner corner;
  const SessionPtr session = corner.connect();
  CHECK(in_child([&] {
          const SessionPtr own = corner.connect();
          return own->alive() && own->server_id() != session->server_id() ? 0 : 1;
        }) == 0);
  CHECK(session->alive());
}
