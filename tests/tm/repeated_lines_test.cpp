// How often a line of recovery's is written that every pass would write.
#include "../../tm/src/manager/repeated_lines.hpp"

#include "catch.hpp"

using namespace std::chrono_literals;
using xabridge::tm::RepeatedLines;

TEST_CASE("A line that repeats is written ever more rarely, and says how often it was left out") {
  RepeatedLines lines;
  RepeatedLines::Time now{};
  std::chrono::seconds pause = 1min;
  CHECK(lines.say("bank is away", now) == "bank is away");
  for (int written = 0; written < 10; ++written) {
    int left_out = 0;
    for (const auto until = now + pause - 1s; now < until; ++left_out) {
      now += 1s;
      REQUIRE_FALSE(lines.say("bank is away", now));
    }
    now += 1s;
    CHECK(lines.say("bank is away", now) ==
          "bank is away (left out " + std::to_string(left_out) + " times since it was last said)");
    pause = std::min<std::chrono::seconds>(pause * 2, 1h);
  }
}

TEST_CASE("A line that was quiet for hours is news") {
  RepeatedLines lines;
  RepeatedLines::Time now{};
  CHECK(lines.say("bank is away", now));
  CHECK_FALSE(lines.say("bank is away", now + 1s));
  CHECK(lines.say("bank is away", now + 3h) == "bank is away");
}

TEST_CASE("Lines of ever new transactions take no memory for ever, and each is written") {
  RepeatedLines lines;
  RepeatedLines::Time now{};
  for (int i = 0; i < 20000; ++i) {
    now += 1s;
    REQUIRE(lines.say("in doubt [transaction " + std::to_string(i) + "]", now));
  }
  CHECK(lines.say("in doubt [transaction 19999]", now) == std::nullopt);
}
