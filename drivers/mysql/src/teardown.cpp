// See teardown.hpp.
#include "teardown.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <xabridge/rm/children.hpp>

#include "errors.hpp"
#include "session.hpp"

namespace xabridge::mysql {
namespace {

constexpr std::chrono::seconds kPatience{1};
constexpr std::chrono::milliseconds kPause{1};

struct Doubts {
  std::mutex mutex;
  std::map<std::string, TransactionIds> branches;
};

Doubts& doubts() {
  static auto& kept = []() -> Doubts& {
    auto* const made = new Doubts;  // never destroyed: threads may outlive main()
    rm::free_in_children(made->mutex);
    return *made;
  }();
  return kept;
}

// Before threads can be: see rm::free_in_children().
[[maybe_unused]] const Doubts& doubts_made = doubts();

/// The digits behind `mark`, in a line that has it.
std::string number_after(std::string_view line, std::string_view mark) {
  const auto at = line.find(mark);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = line.substr(at + mark.size());
  return std::string(rest.substr(0, rest.find_first_not_of("0123456789")));
}

}  // namespace

std::optional<std::vector<PreparedTransaction>> prepared_transactions(std::string_view status) {
  constexpr std::string_view kTransaction = "---TRANSACTION ";
  // Statements are part of the text, so that any line may be somebody's. One made up adds a
  // transaction, which costs patience; none takes one away.
  if (status.find("LIST OF TRANSACTIONS FOR EACH SESSION") == std::string_view::npos ||
      status.find("END OF INNODB MONITOR OUTPUT") == std::string_view::npos ||
      status.find("... truncated...") != std::string_view::npos)
    return std::nullopt;
  std::vector<PreparedTransaction> found;
  bool in_prepared = false;
  while (!status.empty()) {
    const auto end = std::min(status.find('\n'), status.size());
    const std::string_view line = status.substr(0, end);
    status.remove_prefix(std::min(end + 1, status.size()));
    if (line.starts_with(kTransaction)) {
      in_prepared = line.find(", ACTIVE (PREPARED)") != std::string_view::npos;
      const std::string_view id = line.substr(kTransaction.size());
      if (in_prepared) found.push_back({std::string(id.substr(0, id.find(','))), {}});
    } else if (in_prepared && found.back().session.empty()) {
      found.back().session = number_after(line, "MariaDB thread id ");
    }
  }
  return found;
}

TransactionIds perhaps_swallowed(const Look& before, const Look& after) {
  TransactionIds suspects = after.ending;
  suspects.insert(after.free.begin(), after.free.end());
  std::erase_if(suspects, [&](const auto& id) { return before.free.contains(id); });
  return suspects;
}

TransactionIds still_nobodys(TransactionIds suspects, const Look& now) {
  std::erase_if(suspects,
                [&](const auto& id) { return !now.free.contains(id) && !now.ending.contains(id); });
  return suspects;
}

std::string doubt_key(const Settings& settings, const Xid& xid) {
  const std::string server = settings.socket.empty()
                                 ? settings.host + ":" + std::to_string(settings.port)
                                 : settings.socket;
  return server + " " + xid.to_mysql();
}

TransactionIds doubted(const std::string& branch) {
  const std::lock_guard lock(doubts().mutex);
  const auto found = doubts().branches.find(branch);
  return found == doubts().branches.end() ? TransactionIds() : found->second;
}

void doubt(const std::string& branch, TransactionIds transactions) {
  const std::lock_guard lock(doubts().mutex);
  if (transactions.empty()) {
    doubts().branches.erase(branch);
  } else {
    doubts().branches.insert_or_assign(branch, std::move(transactions));
  }
}

Result<std::vector<PreparedTransaction>> MysqlSession::innodb_prepared() {
  const auto rows = query("SHOW ENGINE INNODB STATUS");
  if (!rows) return rows.error();
  std::string status;
  for (const auto& row : *rows) status += row.at(2).value_or("");
  auto transactions = prepared_transactions(status);
  if (!transactions)
    return make_error(XA_RETRY, "look for prepared transactions", nullptr,
                      "the server's list of transactions is too long for SHOW ENGINE INNODB STATUS,"
                      " so that nobody can see whether it has let go of a branch");
  return *std::move(transactions);
}

/// The list of sessions comes second: one that has left it since is amid its end.
Result<Look> MysqlSession::look() {
  const auto transactions = innodb_prepared();
  if (!transactions) return transactions.error();
  std::set<std::string> living;
  if (std::ranges::any_of(*transactions, [](const auto& t) { return !t.session.empty(); })) {
    // A tenth of the time of information_schema.processlist, which is a table on disk.
    const auto rows = query("SHOW PROCESSLIST");
    if (!rows) return rows.error();
    // The server marks a session as killed before it lets go of its branch, however it ends; it is
    // busy while somebody does so.
    for (const auto& row : *rows) {
      const std::string command = row.at(4).value_or("");
      if (command != "Killed" && command != "Busy") living.insert(row.at(0).value_or(""));
    }
  }
  Look seen;
  for (const auto& transaction : *transactions) {
    auto& to = transaction.session.empty()            ? seen.free
               : living.contains(transaction.session) ? seen.held
                                                      : seen.ending;
    to.insert(transaction.id);
  }
  return seen;
}

Result<Look> MysqlSession::settled_look() {
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    auto seen = look();
    if (!seen || seen->ending.empty() || std::chrono::steady_clock::now() > limit) return seen;
    std::this_thread::sleep_for(kPause);
  }
}

/// After success; nullopt: it was one. What may have been swallowed is doubted until it is known,
/// so that a repeat, to which the server says XAER_NOTA, is not taken for an answer.
std::optional<Error> MysqlSession::truly_done(std::string_view operation, const Xid& xid,
                                              const Look& before) {
  auto after = settled_look();
  TransactionIds suspects;
  if (after) suspects = perhaps_swallowed(before, *after);
  // Whose session ended meanwhile is most likely a bystander, whose own transaction manager
  // completes it before long. A forgotten one stays.
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  while (after && !suspects.empty() && std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(kPause);
    after = look();
    if (after) suspects = still_nobodys(suspects, *after);
  }
  if (after) {
    const bool done = suspects.empty();
    doubt(doubt_key(*settings_, xid), std::move(suspects));
    if (done) return std::nullopt;
  }
  Error unknown = after ? Error() : after.error();
  unknown.operation = operation;
  unknown.xid = xid.to_string();
  unknown.xa_code = XAER_RMFAIL;
  unknown.outcome_known = false;
  unknown.message =
      std::string(operation) +
      " was answered with success, perhaps without effect: a session with a prepared branch ended "
      "meanwhile, and a branch that MariaDB forgets that way keeps its locks and is listed again "
      "when the server has been restarted; ask again" +
      (unknown.message.empty() ? "" : ": ") + unknown.message;
  return unknown;
}

/// May the branch, which is not listed, be one of the transactions that are still prepared?
bool MysqlSession::may_be_swallowed(bool commit, const Xid& xid) {
  const TransactionIds suspects = doubted(doubt_key(*settings_, xid));
  // A rollback needs no memory: after the server's restart no decision is found for the branch.
  if (suspects.empty()) return commit && sees_forgotten_branch();
  const auto seen = look();
  if (!seen) return true;
  const TransactionIds rest = still_nobodys(suspects, *seen);
  doubt(doubt_key(*settings_, xid), rest);
  return !rest.empty();
}

/// What another process has seen swallowed: more transactions are prepared than branches listed. A
/// transaction about to commit is prepared for a moment, so that a single sight proves nothing; a
/// listed branch that wrote nothing hides a forgotten one.
bool MysqlSession::sees_forgotten_branch() {
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    const auto branches = prepared(true);
    const auto seen = look();
    if (!seen) return seen.error().vendor_code != kAccessDenied;
    const auto all = seen->free.size() + seen->held.size() + seen->ending.size();
    if (seen->free.empty() || (branches && all <= branches->size())) return false;
    if (std::chrono::steady_clock::now() > limit) return true;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace xabridge::mysql
