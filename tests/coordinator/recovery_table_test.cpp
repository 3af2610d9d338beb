// The recovery decision table: exactly one row for each situation, and none that could lose money.
#include "core/recovery_table.hpp"

#include "catch.hpp"

using namespace xabridge::tm;

namespace {

template <class Function>
void for_each_situation(Function function) {
  for (int w = 0; w < kWhoseCount; ++w) {
    for (int r = 0; r < kOnRecordCount; ++r) {
      for (int s = 0; s < kSightCount; ++s) {
        for (int o = 0; o < kOwnerSessionsCount; ++o) {
          function(Situation{static_cast<Whose>(w), static_cast<OnRecord>(r), static_cast<Sight>(s),
                             static_cast<OwnerSessions>(o)});
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("each of the 294 situations has exactly one row") {
  int situations = 0;
  for_each_situation([&](const Situation& situation) {
    ++situations;
    int rows = 0;
    for (const RecoveryRow& row : recovery_rows()) rows += row.applies(situation) ? 1 : 0;
    CHECK(rows == 1);
    CHECK_FALSE(recovery_row(situation).story.empty());
  });
  CHECK(situations == 294);
}

TEST_CASE("every row is reached by some situation") {
  for (const RecoveryRow& row : recovery_rows()) {
    bool reached = false;
    for_each_situation([&](const Situation& s) { reached = reached || row.applies(s); });
    INFO(row.name);
    CHECK(reached);
  }
}

TEST_CASE("only own or dead branches are ever touched and unlisted ones only to commit them") {
  for_each_situation([](const Situation& s) {
    const RecoveryAction action = recovery_row(s).action;
    const bool touched = action == RecoveryAction::commit || action == RecoveryAction::rollback;
    if (!touched) return;
    CHECK((s.whose == Whose::self || s.whose == Whose::dead || s.whose == Whose::vanished));
    const bool unlisted = s.sight == Sight::absent && action == RecoveryAction::commit;
    CHECK((s.sight == Sight::listed || unlisted));
    CHECK((action == RecoveryAction::commit) == (s.on_record == OnRecord::commit));
  });
}

TEST_CASE("nothing is finished by the table alone but what no decision asks for") {
  for_each_situation([](const Situation& s) {
    if (recovery_row(s).action != RecoveryAction::done) return;
    CHECK(s.sight == Sight::absent);
    CHECK(s.on_record == OnRecord::none);
  });
}

TEST_CASE("an undecided branch waits while its owner may be alive and not for a dead one") {
  const auto action = [](Whose whose, OwnerSessions sessions) {
    return recovery_row({whose, OnRecord::none, Sight::listed, sessions}).action;
  };
  CHECK(action(Whose::vanished, OwnerSessions::connected) == RecoveryAction::wait);
  CHECK(action(Whose::vanished, OwnerSessions::none) == RecoveryAction::rollback);
  CHECK(action(Whose::vanished, OwnerSessions::cannot_tell) == RecoveryAction::rollback);
  CHECK(action(Whose::dead, OwnerSessions::connected) == RecoveryAction::rollback);
  // An owner whose lock file was deleted did not run elsewhere.
  const std::string_view story =
      recovery_row({Whose::vanished, OnRecord::none, Sight::listed, OwnerSessions::connected})
          .story;
  CHECK(story.find("lock file was deleted") != std::string_view::npos);
}

TEST_CASE("what another server does not have is neither finished nor touched") {
  for_each_situation([](const Situation& s) {
    if (s.sight != Sight::other_server) return;
    const RecoveryAction action = recovery_row(s).action;
    CHECK(action != RecoveryAction::done);
    CHECK(action != RecoveryAction::commit);
    CHECK(action != RecoveryAction::rollback);
    if (is_ours(s.whose)) CHECK(action == RecoveryAction::wait);
  });
}
