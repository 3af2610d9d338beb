// Stage: what a statement about the transaction manager is tried on: scripted resource managers,
// a log on a disk in memory that can fail, and one record of every call and every forced write.
#pragma once

#include <xabridge/tx.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>
#include <xabridge/transaction_manager.hpp>

#include "../../tests/register/file/crash_fs.hpp"
#include "engine/report.hpp"
#include "scripted_rm.hpp"

namespace tm_conformance {

using xabridge::conformance::Failed;
using xabridge::conformance::NotApplicable;

enum class Asked { commit, rollback };

/// Table 5a, written once more: what tx_commit or tx_rollback returns for this outcome of the C++
/// interface.
[[nodiscard]] int tx_result(const xabridge::Outcome& outcome, Asked asked);

/// Throws Failed with both values unless they are equal.
void equal(const std::vector<std::string>& seen, const std::vector<std::string>& wanted);
void returned(int seen, int wanted, const xabridge::Outcome& outcome);
void check(bool holds, const std::string& what);

class Stage final : public xabridge::Observer {
 public:
  /// How a forced write of the log comes to be recorded: seen in the file system in memory, or
  /// told by the transaction manager's events, whose log is then anywhere.
  enum class Log { seen, told };
  explicit Stage(const std::vector<std::string>& names, long switch_flags = TMNOFLAGS,
                 Log how = Log::seen);
  ~Stage() override;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  CallLog log;
  xabridge::test::CrashFs files;

  [[nodiscard]] ScriptedRm& rm(const std::string& name);
  [[nodiscard]] xabridge::Config config();
  /// Opens a transaction manager; the log is quiet about it.
  xabridge::TransactionManager& open();
  [[nodiscard]] std::unique_ptr<xabridge::TransactionManager> open_another();
  void close() { manager_.reset(); }

  /// begin, enlist all in order, forget the calls so far, commit.
  xabridge::Outcome commit();
  xabridge::Outcome rollback();
  /// Begins, works at all, and leaves it to the caller to end it.
  [[nodiscard]] xabridge::Transaction begin();

  /// The calls and forced writes of the transaction, in order.
  [[nodiscard]] std::vector<std::string> calls() const { return log.work(); }
  [[nodiscard]] std::size_t events(xabridge::EventKind kind) const;
  /// Throws Failed when a resource manager was called out of order.
  void nothing_out_of_order() const;

  void on_event(const xabridge::Event& event) noexcept override;

 private:
  const Log how_;
  std::deque<ScriptedRm> resource_managers_;
  std::unique_ptr<xabridge::TransactionManager> manager_;
  mutable std::mutex mutex_;
  std::vector<xabridge::EventKind> events_;
};

}  // namespace tm_conformance
