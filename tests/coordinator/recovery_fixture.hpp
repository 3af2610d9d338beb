// What the tests of recovery start from: a register that outlived a process, and resource managers
// that list what it left.
#pragma once

#include <algorithm>
#include <memory>

#include "core/recovery.hpp"
#include "doubles.hpp"

namespace xabridge::tm::test {

/// Incarnation 1 died; this process is incarnation 2.
struct RecoveryFixture {
  explicit RecoveryFixture(const std::vector<std::string>& names = {"a", "b"}) {
    reg.restart(2);
    for (const std::string& name : names) {
      ports.push_back(std::make_unique<ScriptedPort>(name, journal));
      ScriptedPort& port = *ports.back();
      port.knows_only_listed = true;
      port.on_call = [&port](Verb verb, const Xid& xid) {
        const bool ok = port.script[verb].empty() || port.script[verb].front().code == XA_OK;
        const bool ends = verb == Verb::commit || verb == Verb::rollback || verb == Verb::forget;
        if (ok && ends) std::erase(port.listed, xid);
      };
    }
  }
  ScriptedPort& rm(std::size_t i) { return *ports[i]; }
  /// A transaction with a branch at every resource manager, prepared and listed.
  Gtrid prepare(std::uint64_t sequence, std::uint8_t incarnation = 1) {
    const Gtrid gtrid = gtrid_of(sequence, incarnation);
    std::uint8_t number = 0;
    for (auto& port : ports) port->listed.push_back(xid_of(gtrid, ++number, port->name()));
    return gtrid;
  }
  void decide(const Gtrid& gtrid) {
    std::vector<Participant> participants;
    std::uint8_t number = 0;
    for (auto& port : ports) {
      participants.push_back({port->name(), make_bqual(++number, port->name()), port->server});
    }
    reg.commits[gtrid.encode()] = {gtrid.encode(), participants, {}};
  }
  PassReport pass() {
    std::vector<ResourceManagerPort*> list;
    for (auto& port : ports) list.push_back(port.get());
    return recovery.pass(list, is_live, stop);
  }
  int told(EventKind kind) const {
    return static_cast<int>(std::count(events.begin(), events.end(), kind));
  }

  Journal journal;
  std::vector<std::unique_ptr<ScriptedPort>> ports;
  MemoryRegister reg;
  ManualClock clock;
  std::vector<EventKind> events;
  Recovery recovery{reg, clock, {}, [this](const Event& e) { events.push_back(e.kind); }};
  Recovery::IsLive is_live = [](std::string_view) { return false; };
  Recovery::Stop stop;
};

}  // namespace xabridge::tm::test
