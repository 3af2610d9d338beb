// What is read from InnoDB's status, and concluded from two of them.
#include "teardown.hpp"

#include "catch.hpp"

namespace xabridge::mysql::test {
namespace {

constexpr const char* kBegin =
    "TRANSACTIONS\n------------\nTrx id counter 20\nLIST OF TRANSACTIONS FOR EACH SESSION:\n";
constexpr const char* kEnd =
    "--------\nFILE I/O\n----------------------------\nEND OF INNODB MONITOR OUTPUT\n";
constexpr const char* kHeld =
    "---TRANSACTION 19, ACTIVE (PREPARED) 0 sec\n"
    "1 lock struct(s), heap size 1128, 0 row lock(s), undo log entries 1\n"
    "MariaDB thread id 8, OS thread handle 140299023226560, query id 25 127.0.0.1 bank\n";
constexpr const char* kFree =
    "---TRANSACTION 17, ACTIVE (PREPARED) 3 sec recovered trx\n"
    "1 lock struct(s), heap size 1128, 0 row lock(s), undo log entries 1\n";
constexpr const char* kAtWork =
    "---TRANSACTION 18, ACTIVE 0 sec\n"
    "MariaDB thread id 9, OS thread handle 140299023226561, query id 26 127.0.0.1 bank\n";
constexpr const char* kNotStarted =
    "---TRANSACTION (0x7f9a4c0), not started\n0 lock struct(s), heap size 1128, 0 row lock(s)\n";

/// "id@session" of each, or "cut".
std::string read(const std::string& status) {
  const auto found = prepared_transactions(status);
  if (!found) return "cut";
  std::string text;
  for (const auto& t : *found) text += t.id + "@" + t.session + " ";
  return text;
}

}  // namespace

TEST_CASE("the prepared transactions in the status of InnoDB") {
  struct Row {
    std::string list;
    const char* expected;
  };
  const Row row = GENERATE(
      Row{"", ""}, Row{kNotStarted, ""}, Row{kAtWork, ""}, Row{kHeld, "19@8 "},
      Row{kFree, "17@ "}, Row{std::string(kFree) + kAtWork, "17@ "},
      Row{std::string(kAtWork) + kHeld + kNotStarted + kFree, "19@8 17@ "},
      Row{"---TRANSACTION (0x7f9a4c0), ACTIVE (PREPARED) 1 sec\nMariaDB thread id 3, OS\n",
          "(0x7f9a4c0)@3 "},
      // A statement is shown as it is; what it says of sessions comes after what the server says.
      Row{std::string(kHeld) + "SELECT '\nMariaDB thread id 5,'\n", "19@8 "},
      Row{std::string("... truncated...\n") + kHeld, "cut"});
  CAPTURE(row.list);
  CHECK(read(kBegin + row.list + kEnd) == row.expected);
}

TEST_CASE("a status without the list, or without its end, is not taken for an empty one") {
  CHECK(read("") == "cut");
  CHECK(read(kEnd) == "cut");
  CHECK(read(std::string(kBegin) + kHeld) == "cut");
}

TEST_CASE("what a success may have left behind") {
  struct Row {
    Look before;
    Look after;
    TransactionIds expected;
  };
  const Row row = GENERATE(
      Row{{}, {}, {}}, Row{{{"1"}, {}, {"2"}}, {{"1"}, {}, {}}, {}},  // it was the free one
      Row{{{"1"}, {}, {"2"}}, {{"1"}, {}, {"2"}}, {}},                // and that one another's
      Row{{{"1"}, {}, {}}, {{}, {}, {"1"}}, {"1"}},  // its session has ended, it is prepared
      Row{{{"1"}, {}, {}}, {{}, {"1"}, {}}, {"1"}},  // its session ends
      Row{{{"1", "3"}, {}, {"2"}}, {{"4"}, {"3"}, {"1", "2"}}, {"1", "3"}},
      Row{{}, {{}, {}, {"1"}}, {"1"}},  // prepared after the first look
      Row{{{"1"}, {}, {}}, {}, {}});    // its session has ended, it is committed
  CHECK(perhaps_swallowed(row.before, row.after) == row.expected);
}

TEST_CASE("a suspect that is completed or a living session's is none any more") {
  const TransactionIds suspects{"1", "2", "3", "4"};
  CHECK(still_nobodys(suspects, {{"1"}, {"2"}, {"3", "5"}}) == TransactionIds{"2", "3"});
  CHECK(still_nobodys(suspects, {}).empty());
}

TEST_CASE("a doubt is kept until it is replaced") {
  CHECK(doubted("here 1").empty());
  doubt("here 1", {"7", "8"});
  CHECK(doubted("here 1") == TransactionIds{"7", "8"});
  CHECK(doubted("there 1").empty());
  doubt("here 1", {"8"});
  CHECK(doubted("here 1") == TransactionIds{"8"});
  doubt("here 1", {});
  CHECK(doubted("here 1").empty());
}

}  // namespace xabridge::mysql::test
