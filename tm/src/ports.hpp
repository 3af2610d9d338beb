// Ports: how the core (coordinator, recovery) calls resource managers. The real port goes through
// an xa_switch_t; tests and the simulator bring their own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <xabridge/error.hpp>
#include <xabridge/xid.hpp>

namespace xabridge::tm {

/// `confirm` is no XA verb but the core's one question about a branch: does a fresh, complete
/// xa_recover still list it? It never reaches ResourceManagerPort::call(): use perform().
enum class Verb { end, end_fail, prepare, commit, commit_one_phase, rollback, forget, confirm };

[[nodiscard]] std::string_view to_string(Verb verb) noexcept;

/// An XA code, with everything known about it when it is not XA_OK.
struct CallAnswer {
  int code = XA_OK;
  std::optional<Error> error;
};

/// One resource manager, from the calling thread. Opens it (again) for this thread when needed; a
/// failing open answers XAER_RMFAIL with outcome_known = true for every verb: nothing was sent.
/// XAER_RMFAIL with outcome_known = false, or without an Error: the request may have arrived.
class ResourceManagerPort {
 public:
  virtual ~ResourceManagerPort() = default;
  [[nodiscard]] virtual const std::string& name() const noexcept = 0;
  virtual CallAnswer call(Verb verb, const Xid& xid) = 0;
  /// A complete xa_recover scan, of every TM's branches. Error: the list is not known.
  virtual Result<std::vector<Xid>> list() = 0;
  /// Sessions at the server that carry this owner tag; nullopt: cannot tell.
  virtual std::optional<long> owner_sessions(const std::string& owner_tag) = 0;
  /// Has the server end the sessions of an owner that is proved dead, where it can.
  virtual void end_owner_sessions(const std::string& /*owner_tag*/) {}
};

/// What a thin loop does with a Call: port.call(), or for `confirm` a fresh list():
/// XA_OK = still listed, XAER_NOTA = not listed, anything else = cannot tell.
[[nodiscard]] CallAnswer perform(ResourceManagerPort& port, Verb verb, const Xid& xid);

}  // namespace xabridge::tm
