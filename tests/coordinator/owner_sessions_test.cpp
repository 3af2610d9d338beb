// A branch that is busy although its owner is proved dead: the server is told to end the owner's
// sessions there.
#include "catch.hpp"
#include "register/identity.hpp"
#include "recovery_fixture.hpp"

namespace xabridge::tm::test {
namespace {

struct EndingPort : ScriptedPort {
  using ScriptedPort::ScriptedPort;
  void end_owner_sessions(const std::string& tag) override { ended.push_back(tag); }
  std::vector<std::string> ended;
};

}  // namespace

TEST_CASE("a busy branch of a dead owner has that owner's sessions ended, another's not") {
  RecoveryFixture f;
  auto ending = std::make_unique<EndingPort>("a", f.journal);
  EndingPort& a = *ending;
  f.ports[0] = std::move(ending);
  const Gtrid gtrid = f.prepare(1);
  a.script[Verb::rollback] = {{XA_RETRY, {}}};
  f.pass();
  REQUIRE(a.ended.size() == 1);
  CHECK(a.ended[0] == owner_tag(gtrid.register_id, gtrid.incarnation));

  a.ended.clear();
  a.script[Verb::rollback] = {{XAER_RMFAIL, {}}};  // says nothing about sessions
  f.clock.time += std::chrono::hours(1);
  f.pass();
  CHECK(a.ended.empty());
}

}  // namespace xabridge::tm::test
