// PreparedLog: how far the server's log had got when a branch was prepared. A server whose log is
// behind that has new files, or older ones that were put back: what it does not know proves
// nothing.
//
// MariaDB keeps no identifier with its data, and a copy of MySQL's has the same; InnoDB's log
// sequence number (LSN) only grows. What is on record is the LSN at the log-in of the session that
// prepared, which costs no message then: the branch lies behind it. A new server passes it one day;
// so once one was behind, that is kept, and it can never tell. The tables tell, too: where all that
// the account sees are younger than the vote, the server may have been made anew, of an image that
// may have MySQL's identifier in it. They may have been rebuilt as well; so that is not kept.
//
// Bounded; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <xabridge/rm/recent_branches.hpp>
#include <xabridge/xid.hpp>

namespace xabridge::mysql {

class PreparedLog {
 public:
  struct Place {
    std::uint64_t lsn = 0;
    std::uint64_t at = 0;  // the server's clock at the vote, seconds since 1970
    bool doubted = false;  // a server that was behind has answered since
  };

  explicit PreparedLog(std::size_t limit = 10000) : branches_(limit) {}

  /// Of a branch prepared at `server` from here, or as a transaction manager's record says. A doubt
  /// stays.
  void note(const Xid& xid, const std::string& server, Place place);
  /// The branch is gone.
  void finished(const Xid& xid);
  /// nullopt also where `server` is another than the one that prepared: its log says nothing.
  [[nodiscard]] std::optional<Place> find(const Xid& xid, const std::string& server) const;

  /// "<server> lsn=123 at=1764314558 doubted"; without an LSN the server alone.
  [[nodiscard]] static std::string text(const std::string& server, Place place);
  [[nodiscard]] static std::optional<Place> parse(std::string_view text);

 private:
  struct Prepared {
    std::string server;
    Place place;
  };

  mutable std::mutex mutex_;
  rm::RecentBranches<Prepared> branches_;
};

}  // namespace xabridge::mysql
