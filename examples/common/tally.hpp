// Tally: counts the answers that many clients get at once.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <xabridge/outcome.hpp>

namespace examples {

struct Answers {
  long asked = 0;
  long committed = 0;
  long pending = 0;      // of those: finished in the background
  long rolled_back = 0;  // refused, cancelled or given up after retries
  long unclear = 0;      // heuristic or unknown
  long retries = 0;
  double seconds = 0;
  int stopped_by = 0;       // the signal, where one ended it before everything was asked
  std::string first_error;  // of a kind nobody expects, such as a database that is gone
};

class Tally {
 public:
  /// Calls `work` and counts what became of it: the outcome it returns, or "rolled back" when it
  /// throws, because run() rolls back before it lets an exception out. Anything but Refused is an
  /// error. Returns the kind that was counted.
  xabridge::OutcomeKind count(const std::function<xabridge::Outcome()>& work);
  /// The same; whatever is not committed is also printed, as a line "WHAT: why".
  xabridge::OutcomeKind count(const std::string& what,
                              const std::function<xabridge::Outcome()>& work);

  [[nodiscard]] Answers so_far() const;

 private:
  void add(const xabridge::Outcome& outcome, const std::string& error);

  mutable std::mutex mutex_;
  Answers answers_;
};

}  // namespace examples
