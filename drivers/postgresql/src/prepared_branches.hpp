// PreparedBranches: what this process knows about branches it has prepared at one server, beyond
// what the server lists: the transaction id behind each, and which final command may have arrived
// there without our having heard of it.
//
// With the id the server can be asked what became of a branch that is not listed any more
// (pg_xact_status), and with the second whether that was us or somebody else. Both are lost with
// the process; then XAER_NOTA is all there is to say, unless a transaction manager has kept the
// first (rm::Server::prepared_at()).
//
// Bounded: a branch that another process completes is never heard of here, so beyond `limit` the
// oldest entry goes. Thread-safe.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <xabridge/rm/recent_branches.hpp>
#include <xabridge/xid.hpp>

#include "origin.hpp"

namespace xabridge::postgresql {

enum class Final { commit, rollback };

class PreparedBranches {
 public:
  struct Known {
    Origin origin;
    bool may_have_arrived = false;  // an earlier command of ours, of the same kind
  };

  explicit PreparedBranches(std::size_t limit = 10000) : branches_(limit) {}

  void prepared(const Xid& xid, Origin origin);
  /// Prepared elsewhere or long ago, as a transaction manager's record says; what is known from
  /// here stays. Any command may have been sent from there.
  void recorded(const Xid& xid, Origin origin);
  /// A final command is about to be sent; what is known of the branch before.
  std::optional<Known> sending(const Xid& xid, Final command);
  /// The server answered it, and the branch is still prepared.
  void answered(const Xid& xid, Final command);
  /// A server that could not tell has answered for it; see Origin.
  void doubted(const Xid& xid);
  /// The branch is gone.
  void finished(const Xid& xid);
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry {
    Origin origin;
    int unanswered[2] = {0, 0};  // by Final
  };

  mutable std::mutex mutex_;
  rm::RecentBranches<Entry> branches_;
};

}  // namespace xabridge::postgresql
