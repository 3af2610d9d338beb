// All or nothing, by model: the real coordinator and the real recovery over resource managers that
// live in memory. The coordinator's process is killed before each of its actions in turn, each
// reply in turn is lost (before or after the request took effect), and servers die between two
// actions. After recovery every branch has the same fate, and it is the one the application was
// told.
#include "catch.hpp"
#include "core/recovery.hpp"
#include "doubles.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::tm::test;

namespace {

enum class Fate { active, prepared, committed, rolled_back };

/// A server with one branch. Its committed and prepared state survives everything.
class Server : public ResourceManagerPort {
 public:
  Server(std::string name, Xid xid, bool wrote)
      : name_(std::move(name)), xid_(xid), wrote_(wrote) {}

  const std::string& name() const noexcept override { return name_; }

  CallAnswer call(Verb verb, const Xid& xid) override {
    ++calls;
    if (calls == lose_request) return fail(true);
    const CallAnswer answer = serve(verb, xid);
    if (calls == lose_reply) return fail(true);
    if (calls == restart_after) end_session();
    return answer;
  }
  Result<std::vector<Xid>> list() override {
    std::vector<Xid> result;
    if (fate == Fate::prepared) result.push_back(xid_);
    return result;
  }
  std::optional<long> owner_sessions(const std::string&) override { return 0; }

  /// The connection, or the client, or the server is gone: what is not prepared rolls back.
  void end_session() {
    if (fate == Fate::active) fate = Fate::rolled_back;
  }

  Fate fate = Fate::active;
  bool refuses = false;  // votes no
  int calls = 0;
  int lose_request = -1;   // the call with this number never arrives
  int lose_reply = -1;     // ... arrives, its reply does not
  int restart_after = -1;  // the server restarts after it

 private:
  CallAnswer fail(bool session_too) {
    if (session_too) end_session();
    return lost(false);
  }
  CallAnswer finish(Fate as) {
    fate = as;
    return {};
  }
  CallAnswer serve(Verb verb, const Xid& xid) {
    if (!(xid == xid_)) return {XAER_NOTA, {}};
    const bool prepared = fate == Fate::prepared;
    if (verb == Verb::forget || (fate != Fate::active && !prepared)) return {XAER_NOTA, {}};
    if (verb == Verb::end || verb == Verb::end_fail) return {};
    if (verb == Verb::rollback) return finish(Fate::rolled_back);
    if (verb == Verb::commit)
      return prepared ? finish(Fate::committed) : CallAnswer{XAER_PROTO, {}};
    if (prepared) return {XAER_PROTO, {}};
    if (refuses) {
      (void)finish(Fate::rolled_back);
      return said(XA_RBINTEGRITY, "constraint violated");
    }
    if (verb == Verb::commit_one_phase) return finish(Fate::committed);
    if (!wrote_) {
      (void)finish(Fate::committed);
      return {XA_RDONLY, {}};
    }
    return finish(Fate::prepared);
  }

  std::string name_;
  Xid xid_;
  bool wrote_;
};

struct World {
  World(int size, bool last_wrote, bool last_refuses) {
    std::vector<std::string> names;
    for (int i = 0; i < size; ++i) names.emplace_back(1, static_cast<char>('a' + i));
    infos = branches_of(gtrid, names);
    for (int i = 0; i < size; ++i) {
      const bool last = i == size - 1;
      const BranchInfo& info = infos[static_cast<std::size_t>(i)];
      servers.push_back(
          std::make_unique<Server>(info.resource_manager, info.xid, !last || last_wrote));
      servers.back()->refuses = last && last_refuses;
    }
  }

  /// The application's process: commits until done or killed. nullopt: killed.
  std::optional<Outcome> run(int kill_before_action) {
    Coordinator coordinator(gtrid.encode(), infos);
    Loop loop{reg, {}, journal};
    loop.give_up_after_waits = 2;
    loop.step_limit = kill_before_action;
    for (auto& server : servers) loop.ports[server->name()] = server.get();
    const bool survived = loop.run(coordinator, coordinator.commit());
    for (auto& server : servers) server->end_session();  // its connections end with it
    if (!survived) return std::nullopt;
    if (coordinator.undecidable()) held = true;
    return coordinator.outcome();
  }

  /// A new process on the same register; passes until nothing is left.
  void recover() {
    reg.restart(2);
    reg.decide_error.reset();
    Recovery recovery(reg, clock, {}, {});
    std::vector<ResourceManagerPort*> ports;
    for (auto& server : servers) ports.push_back(server.get());
    for (int i = 0; i < 4; ++i) {
      recovery.hurry();
      (void)recovery.pass(ports, [](std::string_view) { return false; }, {});
    }
  }

  [[nodiscard]] bool all(Fate fate, bool wrote_only = true) const {
    for (std::size_t i = 0; i < servers.size(); ++i) {
      if (wrote_only && i + 1 == servers.size() && ignore_last) continue;
      if (servers[i]->fate != fate) return false;
    }
    return true;
  }

  void check(const std::optional<Outcome>& told) {
    std::string story;
    for (const std::string& entry : journal) story += entry + "; ";
    INFO(story << (told ? told->to_string() : "killed"));
    const bool committed = all(Fate::committed);
    const bool rolled_back = all(Fate::rolled_back);
    CHECK((committed || rolled_back));
    CHECK(reg.commits.empty());
    CHECK(reg.records.empty());
    if (!told) return;
    CHECK(told->kind != OutcomeKind::heuristic);
    if (told->committed()) CHECK(committed);
    if (told->kind == OutcomeKind::rolled_back) CHECK(rolled_back);
  }

  Gtrid gtrid = gtrid_of(1);
  std::vector<BranchInfo> infos;
  std::vector<std::unique_ptr<Server>> servers;
  MemoryRegister reg;
  ManualClock clock;
  Journal journal;
  bool held = false;
  bool ignore_last = false;  // it wrote nothing: whether it committed that is nobody's concern
};

constexpr int kMostActions = 24;  // more than any run below takes

template <class Body>
void for_each_shape(const Body& body) {
  for (int size = 1; size <= 3; ++size) {
    for (const bool wrote : {true, false}) {
      for (const bool refuses : {false, true}) {
        body([=] {
          World world(size, wrote, refuses);
          world.ignore_last = !wrote;
          return world;
        });
      }
    }
  }
}

}  // namespace

TEST_CASE("killed before any action all branches agree after recovery") {
  for_each_shape([](auto make) {
    for (int action = 0; action < kMostActions; ++action) {
      World world = make();
      const auto told = world.run(action);
      world.recover();
      world.check(told);
    }
  });
}

TEST_CASE("with any request or reply lost all branches agree after recovery") {
  for_each_shape([](auto make) {
    const std::size_t size = make().servers.size();
    for (std::size_t victim = 0; victim < size; ++victim) {
      for (int call = 1; call <= 6; ++call) {
        for (int Server::*fault :
             {&Server::lose_request, &Server::lose_reply, &Server::restart_after}) {
          World world = make();
          (*world.servers[victim]).*fault = call;
          const auto told = world.run(-1);
          world.recover();
          world.check(told);
        }
      }
    }
  });
}

TEST_CASE("with a reply lost and the process killed all branches agree after recovery") {
  for_each_shape([](auto make) {
    const std::size_t size = make().servers.size();
    for (std::size_t victim = 0; victim < size; ++victim) {
      for (int call = 1; call <= 6; ++call) {
        for (int action = 0; action < kMostActions; ++action) {
          World world = make();
          world.servers[victim]->lose_reply = call;
          const auto told = world.run(action);
          world.recover();
          world.check(told);
        }
      }
    }
  });
}

TEST_CASE("whether or not a doubtful decision reached the disk all branches agree after recovery") {
  for (const bool on_disk : {true, false}) {
    World world(2, true, false);
    Error unknown;
    unknown.outcome_known = false;
    world.reg.decide_error = unknown;
    world.reg.lost_decision_is_on_disk = on_disk;
    const auto told = world.run(-1);
    REQUIRE(told);
    CHECK(told->kind == OutcomeKind::unknown);
    CHECK(world.held);
    CHECK(world.all(Fate::prepared));
    world.recover();
    world.check(told);
    CHECK(world.all(on_disk ? Fate::committed : Fate::rolled_back));
  }
}

TEST_CASE("recovery killed at any point is finished by the next") {
  for (int stop_after = 0; stop_after < 12; ++stop_after) {
    World world(3, true, false);
    (void)world.run(8);  // decided, one branch committed
    world.reg.restart(2);
    Recovery first(world.reg, world.clock, {}, {});
    std::vector<ResourceManagerPort*> ports;
    for (auto& server : world.servers) ports.push_back(server.get());
    int asked = 0;
    (void)first.pass(
        ports, [](std::string_view) { return false; }, [&] { return ++asked > stop_after; });
    world.recover();
    world.check(std::nullopt);
    CHECK(world.all(Fate::committed));
  }
}
