// XIDs as the transaction manager makes them: what a server has to keep in a crash are those.
#pragma once

#include <register/identity.hpp>
#include <random>

#include "fixture.hpp"

namespace xabridge::mysql::test {

/// Of a register and an incarnation that no other run has.
inline Xid own_xid(Fixture& f) {
  static tm::Gtrid gtrid = [] {
    std::random_device random;
    tm::Gtrid made;
    for (auto& byte : made.register_id) byte = static_cast<std::uint8_t>(random());
    for (auto& byte : made.incarnation) byte = static_cast<std::uint8_t>(random());
    made.host = "tests";
    return made;
  }();
  ++gtrid.sequence;
  const Xid xid = *Xid::make(tm::kFormatId, gtrid.encode(), tm::make_bqual(1, "ledger"));
  f.remember(xid);
  return xid;
}

}  // namespace xabridge::mysql::test
