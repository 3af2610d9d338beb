// Prepared branches of the transaction manager survive a crash of the server whatever XIDs of other
// transaction managers its binary log holds, earlier or later. MySQL lost them beside some:
// README.md of the driver, "Beside another transaction manager".
#include "own_xid.hpp"

namespace xabridge::mysql::test {
namespace {

struct Other {
  std::string who;
  Xid xid;
};

Other other(std::string who, long format_id, const std::string& gtrid, const std::string& bqual) {
  return {std::move(who), *Xid::make(format_id, gtrid, bqual)};
}

/// `size` bytes that begin with the text and end with a number.
std::string numbered(const std::string& text, std::size_t size, int number) {
  const std::string last = std::to_string(number);
  std::string all = text;
  all.resize(size - last.size(), '.');
  return all + last;
}

/// As they are seen on real servers, and the largest that are not ours. New ones at each call.
std::vector<Other> others() {
  static int calls = 0;
  ++calls;
  const auto bytes = [](const std::string& text, std::size_t size) {
    return numbered(text, size, calls);
  };
  const std::string ip = "10.11.12.13.tm";
  const std::string zeros(4, '\0');
  const std::string ones(64, '\xff');
  return {other("Narayana", 131077, bytes(zeros, 28), bytes(zeros, 36)),
          other("Atomikos, 30 bytes", 1096044365, bytes(ip, 30), ip + "1"),
          other("Atomikos, 45 bytes", 1096044365, bytes(ip, 45), ip + "1"),
          other("Atomikos, 60 bytes", 1096044365, bytes(ip, 60), ip + "1"),
          other("Seata", 9752, bytes("10.11.12.13:8091:", 38), "-2612345678901234567"),
          other("DTM", 1, bytes("Ym9va2luZw", 23), "01"),
          other("WebLogic", 48801, bytes("\xbe\xa1", 16), bytes("bank", 20)),
          other("64 + 64 bytes", 7, bytes("zz", 64), bytes("zz", 64)),
          other("64 + 64 bytes from 0xFE on", 2147483646, bytes("\xfe\xff\xff", 64), ones),
          other("64 + 64 bytes from 0xFF on", 2147483646, bytes("\xff\xff\xff", 64), ones),
          other("typed by hand", 2147483647, bytes("", 2), ""),
          other("typed by hand, a letter", 1, "x", "")};
}

/// Prepares and commits it: it stays in the binary log.
void logged(Fixture& f, const Xid& xid, int row) {
  Plain session(open_string());
  session.run("XA START " + xid.to_mysql());
  session.run("INSERT INTO " + f.table + " VALUES (" + std::to_string(row) + ", 0)");
  session.run("XA END " + xid.to_mysql());
  session.run("XA PREPARE " + xid.to_mysql());
  session.run("XA COMMIT " + xid.to_mysql());
}

struct Prepared {
  Xid xid;
  std::unique_ptr<MysqlSession> session;
};

Prepared prepared(Fixture& f, int row) {
  Prepared branch{own_xid(f), f.session()};
  REQUIRE(branch.session->begin(branch.xid).code == XA_OK);
  REQUIRE(Fixture::work(*branch.session, "INSERT INTO " + f.table + " VALUES (" +
                                             std::to_string(row) + ", 1)") == 0);
  REQUIRE(branch.session->end(branch.xid).code == XA_OK);
  REQUIRE(branch.session->prepare(branch.xid).code == XA_OK);
  return branch;
}

/// What the binary log holds when the server is killed: XIDs of others before our branch and after
/// it. The server keeps them in a balanced tree: our branch is lost when one of two that come later
/// moves above it.
struct Log {
  std::vector<Other> before;
  std::vector<Other> after;
};

void survives_in(const Log& log) {
  Fixture f;
  int row = 100;
  for (const Other& one : log.before) logged(f, one.xid, ++row);
  const Prepared ours = prepared(f, 10);
  for (const Other& one : log.after) logged(f, one.xid, ++row);

  control("kill");
  control("start");  // begins a new binary log

  f.observer = Plain(open_string());
  auto session = f.session();
  CHECK(f.listed(ours.xid));
  CHECK(Fixture::settled(*session, true, ours.xid).code == XA_OK);
  CHECK(f.observer.value("SELECT v FROM " + f.table + " WHERE id = 10") == "1");
}

}  // namespace

TEST_CASE("a prepared branch survives a crash beside XIDs of any other transaction manager") {
  const std::vector<Other> a = others();
  const std::vector<Other> b = others();
  const std::vector<Other> c = others();
  const std::vector<Other> d = others();
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO(a[i].who);
    survives_in({{a[i], b[i]}, {c[i], d[i]}});
  }
}

TEST_CASE("a prepared branch survives a crash beside XIDs of all others at once") {
  survives_in({others(), others()});
}

TEST_CASE("a prepared branch survives a crash when long XIDs of others are logged later") {
  const std::vector<Other> a = others();
  const std::vector<Other> b = others();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].xid.gtrid().size() < 60) continue;
    INFO(a[i].who);
    survives_in({{}, {a[i], b[i]}});
  }
}

}  // namespace xabridge::mysql::test
