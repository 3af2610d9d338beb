// Where a branch was prepared: the text survives, nothing else is read as one, and the table of
// histories that hold it.

#include "origin.hpp"

#include "catch.hpp"

using namespace xabridge::postgresql;

namespace {

const Origin origin{"postgresql:77:5", "100.5", 2, 0x0000'0001'0000'0010, "725", false};

/// The same server, started anew, on the same timeline.
ServerNow restarted(std::uint64_t lsn, std::optional<std::uint64_t> replayed,
                    std::optional<std::uint64_t> shut_down = {}) {
  return {"postgresql:77:5", "200.5", 2, lsn, replayed, shut_down};
}

}  // namespace

TEST_CASE("an origin survives as text") {
  CHECK(origin.text() == "postgresql:77:5 start=100.5 at=00000002:1/10 xid=725");
  const auto parsed = Origin::parse(origin.text());
  REQUIRE(parsed);
  CHECK(parsed->server == origin.server);
  CHECK(parsed->start == origin.start);
  CHECK(parsed->timeline == 2);
  CHECK(parsed->lsn == origin.lsn);
  CHECK(parsed->transaction_id == "725");
}

TEST_CASE("once a server could not tell only the same start can") {
  const auto doubted = Origin::parse(origin.text() + " doubted");
  REQUIRE(doubted);
  CHECK(doubted->doubted);
  CHECK(doubted->text() == origin.text() + " doubted");
  CHECK(history(*doubted, restarted(origin.lsn, origin.lsn)) == History::cannot_tell);
  CHECK(history(*doubted, {"postgresql:77:5", "100.5", 2, origin.lsn, {}, {}}) == History::holds);
}

TEST_CASE("other texts are no origin") {
  for (const char* text :
       {"", "postgresql:77:5", "postgresql:77:5 ", "mysql:0b1",
        "postgresql:77:5 start=100.5 at=00000002:1/10 xid=", "postgresql:77:5 start=100.5 xid=725",
        "postgresql:77:5 start=100.5 at=00000002:1/10 xid=725 more=1",
        "postgresql:77:5 start=100.5 at=00000002:1/10 xid=7'; DROP TABLE t",
        "postgresql:77:5 start=now() at=00000002:1/10 xid=725",
        "postgresql:77:5 start=100.5 at=2:1/10 xid=725",
        "postgresql:77:5 start=100.5 at=00000002:1-10 xid=725"}) {
    INFO(text);
    CHECK_FALSE(Origin::parse(text));
  }
}

TEST_CASE("an LSN is two hexadecimal numbers") {
  CHECK(parse_lsn("16/B374D848") == 0x16'B374'D848U);
  CHECK(parse_lsn("0/0") == 0U);
  for (const char* text : {"", "/", "1/", "/1", "16", "1/2/3", "1/100000000", "x/1", "1/ 2"})
    CHECK_FALSE(parse_lsn(text));
  CHECK(timeline_of("0000001F0000000000000001") == 31);
  CHECK(timeline_of("") == 0);
}

TEST_CASE("a history holds a branch only where the server shows it") {
  const std::uint64_t before = origin.lsn - 1, at = origin.lsn, after = origin.lsn + 1;
  const auto is = [](const ServerNow& now) { return history(origin, now); };
  CHECK(is({"postgresql:78:5", "100.5", 2, after, {}, {}}) == History::other_server);
  CHECK(is({"postgresql:77:6", "100.5", 2, after, {}, {}}) == History::other_server);
  CHECK(is({"", "100.5", 2, after, {}, {}}) == History::other_server);
  // It never ended.
  CHECK(is({"postgresql:77:5", "100.5", 2, after, {}, {}}) == History::holds);
  // Another copy of the files, which ran before.
  CHECK(is({"postgresql:77:5", "99.9", 2, after, after, {}}) == History::cannot_tell);
  // Restarted: after a shutdown, after a crash, with files that are older than the branch.
  CHECK(is(restarted(after, {}, at)) == History::holds);
  CHECK(is(restarted(before, {}, at)) == History::cannot_tell);
  CHECK(is(restarted(after + 1000, {}, before)) == History::cannot_tell);
  CHECK(is(restarted(after + 1000, {})) == History::cannot_tell);  // it does not show any more
  CHECK(is(restarted(after, at)) == History::holds);
  CHECK(is(restarted(after + 1000, before)) == History::cannot_tell);
  // A standby took over.
  CHECK(is({"postgresql:77:5", "200.5", 3, after, at, {}}) == History::holds);
  CHECK(is({"postgresql:77:5", "200.5", 3, after, before, {}}) == History::cannot_tell);
  CHECK(is({"postgresql:77:5", "200.5", 3, after, {}, {}}) == History::cannot_tell);
  CHECK(is({"postgresql:77:5", "200.5", 4, after, after, {}}) == History::cannot_tell);
  CHECK(is({"postgresql:77:5", "200.5", 1, after, after, {}}) == History::cannot_tell);
  // It is a standby still.
  CHECK(is({"postgresql:77:5", "200.5", 0, 0, after, {}}) == History::cannot_tell);
}
