// Ports: how the core (coordinator, recovery) calls resource managers. The real port goes through
// an xa_switch_t; tests and the simulator bring their own.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <xabridge/error.hpp>
#include <xabridge/xid.hpp>

#include "register/server_identity.hpp"

namespace xabridge::tm {

/// `confirm` is no XA verb but the core's one question about a branch: does a fresh, complete
/// xa_recover still list it? It never reaches ResourceManagerPort::call(): use perform().
enum class Verb { end, end_fail, prepare, commit, commit_one_phase, rollback, forget, confirm };

[[nodiscard]] std::string_view to_string(Verb verb) noexcept;

/// For people: "2026-11-20 11:00:19Z"
[[nodiscard]] std::string time_text(std::chrono::system_clock::time_point time);

/// An XA code, with everything known about it when it is not XA_OK.
struct CallAnswer {
  int code = XA_OK;
  std::optional<Error> error;
  std::string server{};  // who gave it (answered_by); empty: nobody was asked, or cannot say
};

/// A branch that a server shows and does not let us complete: another role prepared it, or it is of
/// another database of the cluster.
struct OutOfReach {
  Xid xid;
  std::string obstacle;    // why, and who can complete it
  std::string owner;       // database role; empty: not told
  long age_seconds = -1;   // since prepare; -1: not known
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
  /// What the server holds beside that and does not let us complete, of every TM. Such a branch is
  /// not gone though list() lacks it.
  virtual Result<std::vector<OutOfReach>> out_of_reach() { return std::vector<OutOfReach>(); }
  /// Sessions at the server that carry this owner tag; nullopt: cannot tell.
  virtual std::optional<long> owner_sessions(const std::string& owner_tag) = 0;
  /// A call that did not come back in time, and since when: "xa_recover has not answered since
  /// ...". It was answered XAER_RMFAIL with outcome_known = false. Empty: none is under way.
  [[nodiscard]] virtual std::string late() const { return {}; }
  /// The server that gave this thread's last answer, of call() or list(): what it is, not its
  /// address. After a prepare, evidence may follow behind a space. Empty: it cannot say.
  virtual std::string answered_by() { return {}; }
  /// What is on record about the server that prepared the branch; before phase two of it. False: it
  /// could not be told, and what an answer to that proves is not known.
  [[nodiscard]] virtual bool prepared_at(const Xid&, const std::string& /*server*/) { return true; }
  /// Has the server end the sessions of an owner that is proved dead, where it can.
  virtual void end_owner_sessions(const std::string& /*owner_tag*/) {}
};

/// Both lists of a resource manager. Error: one of them is not known, so what is held is not.
struct Listing {
  std::vector<Xid> xids;
  std::vector<OutOfReach> out_of_reach;
  std::string server{};  // that made them; empty: it cannot say

  [[nodiscard]] bool holds(const Xid& xid) const;
};
[[nodiscard]] Result<Listing> look(ResourceManagerPort& port);

/// What a thin loop does with a Call: port.call(), or for `confirm` a fresh look():
/// XA_OK = still held, XAER_NOTA = not held, anything else = cannot tell.
[[nodiscard]] CallAnswer perform(ResourceManagerPort& port, Verb verb, const Xid& xid);

}  // namespace xabridge::tm
