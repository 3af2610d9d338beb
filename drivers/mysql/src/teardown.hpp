// MariaDB's prepared transactions, and the trap in the end of the session of one: seen with 10.11,
// it takes the server some steps, and between two of them the branch is anybody's already while
// InnoDB still takes it for the session's. XA COMMIT and XA ROLLBACK then find no transaction,
// answer success all the same, and the branch is in no list any more, its locks kept, until the
// server starts anew and finds it prepared.
//
// InnoDB's status (the privilege PROCESS) names each prepared transaction and its session, but not
// its XID. So a look before the verb waits until no session is amid its end, and one after it
// searches for a transaction that was a session's before, and now is prepared and nobody's: the
// branch may be that one. See MysqlSession::complete_detached().
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>
#include <xabridge/xid.hpp>

#include "settings.hpp"

namespace xabridge::mysql {

inline constexpr int kAccessDenied = 1227;  // PROCESS is missing

using TransactionIds = std::set<std::string>;  // as InnoDB writes them

struct PreparedTransaction {
  std::string id;
  std::string session;  // empty: it is nobody's, so that anybody may complete it
};

/// What SHOW ENGINE INNODB STATUS of MariaDB shows; nullopt when it is not the whole list: the
/// server leaves out what is more than a megabyte.
std::optional<std::vector<PreparedTransaction>> prepared_transactions(std::string_view status);

/// The prepared transactions by what their sessions do.
struct Look {
  TransactionIds held;    // the session lives
  TransactionIds ending;  // it is amid its end
  TransactionIds free;    // nobody's
};

/// Of which prepared transactions may a branch be the rest whose XA COMMIT or XA ROLLBACK was
/// answered with success between the two looks? Of no one that was free before, which the verb
/// would have found, and of no living session's, which it cannot have reached.
TransactionIds perhaps_swallowed(const Look& before, const Look& after);
/// Those of them that may still be: what is completed was a bystander's, and what a living session
/// holds nobody else's verb has reached.
TransactionIds still_nobodys(TransactionIds suspects, const Look& now);

/// Branches whose XA COMMIT or XA ROLLBACK may have been swallowed, each with the transactions of
/// which it may be one. Kept for the process: a transaction manager may close and open the resource
/// manager before it asks again. For any thread.
std::string doubt_key(const Settings& settings, const Xid& xid);
TransactionIds doubted(const std::string& branch);
/// Replaces what is kept; empty: nothing is in doubt.
void doubt(const std::string& branch, TransactionIds transactions);

}  // namespace xabridge::mysql
