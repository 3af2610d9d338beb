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

/// `size` bytes that begin with the text and go on with what no other XID has.
std::string bytes(const std::string& text, std::size_t size) {
  std::string all = text + unique_name("");
  all.resize(size, '.');
  return all;
}

/// As they are seen on real servers, and the largest that are not ours.
std::vector<Other> others() {
  std::string node(28, '\0');
  node.replace(4, 24, bytes("", 24));
  const std::string ip = "10.11.12.13.tm0000100";
  std::vector<Other> all{
      other("Narayana", 131077, node, bytes(std::string("\0\0\0\1", 4), 36)),
      other("Atomikos, 30 bytes", 1096044365, bytes(ip, 30), ip + "1"),
      other("Atomikos, 45 bytes", 1096044365, bytes(ip, 45), ip + "1"),
      other("Atomikos, 60 bytes", 1096044365, bytes(ip, 60), ip + "1"),
      other("Seata", 9752, bytes("10.11.12.13:8091:", 38), "-2612345678901234567"),
      other("DTM", 1, bytes("", 23), "01"),
      other("WebLogic", 48801, bytes("\xbe\xa1", 16), bytes("bank", 20)),
      other("64 + 64 bytes", 7, bytes("zz", 64), bytes("zz", 64)),
      other("64 + 64 bytes that begin with 0xFE", 2147483646, bytes("\xfe\xff\xff", 64),
            std::string(64, '\xff')),
      other("64 + 64 bytes that begin with 0xFF", 2147483646, bytes("\xff\xff\xff", 64),
            std::string(64, '\xff')),
      other("typed by hand", 2147483647, unique_name("").substr(0, 2), ""),
      other("typed by hand, of one letter", 1, "x", "")};
  return all;
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

/// A branch before all of them and one after, in the binary log that the crash leaves.
void survives_beside(const std::vector<Other>& all) {
  Fixture f;
  const Prepared before = prepared(f, 10);
  int row = 100;
  for (const Other& one : all) logged(f, one.xid, ++row);
  const Prepared after = prepared(f, 11);

  control("kill");
  control("start");  // begins a new binary log

  f.observer = Plain(open_string());
  auto session = f.session();
  CHECK(f.listed(before.xid));
  CHECK(f.listed(after.xid));
  CHECK(Fixture::settled(*session, true, before.xid).code == XA_OK);
  CHECK(Fixture::settled(*session, true, after.xid).code == XA_OK);
  CHECK(f.observer.value("SELECT SUM(v) FROM " + f.table) == "2");
}

}  // namespace

TEST_CASE("prepared branches survive a crash beside XIDs of any other transaction manager") {
  std::vector<Other> all = others();
  for (const Other& one : all) {
    INFO(one.who);
    survives_beside({one});
  }
}

TEST_CASE("prepared branches survive a crash beside XIDs of all others at once") {
  survives_beside(others());
}

}  // namespace xabridge::mysql::test
