// Counting answers; see the header.
#include "tally.hpp"

#include <iostream>

#include "refused.hpp"

namespace examples {

using xabridge::Outcome;
using xabridge::OutcomeKind;

OutcomeKind Tally::count(const std::function<Outcome()>& work) { return count("", work); }

OutcomeKind Tally::count(const std::string& what, const std::function<Outcome()>& work) {
  Outcome outcome;
  std::string error;
  try {
    outcome = work();
  } catch (const Refused& refusal) {
    outcome.kind = OutcomeKind::rolled_back;
    outcome.reason = refusal.what();
  } catch (const std::exception& exception) {
    outcome.kind = OutcomeKind::rolled_back;
    outcome.reason = error = exception.what();
  }
  add(outcome, error);
  if (!what.empty() && outcome.kind != OutcomeKind::committed) {
    const std::scoped_lock lock(mutex_);
    std::cout << "  " << what << ": " << outcome.to_string() << std::endl;
  }
  return outcome.kind;
}

void Tally::add(const Outcome& outcome, const std::string& error) {
  const std::scoped_lock lock(mutex_);
  ++answers_.asked;
  answers_.retries += static_cast<long>(outcome.retries.size());
  if (outcome.committed()) ++answers_.committed;
  if (answers_.first_error.empty()) answers_.first_error = error;
  switch (outcome.kind) {
    case OutcomeKind::committed:
      break;
    case OutcomeKind::committed_pending:
      ++answers_.pending;
      break;
    case OutcomeKind::rolled_back:
      ++answers_.rolled_back;
      break;
    case OutcomeKind::heuristic:
    case OutcomeKind::unknown:
      ++answers_.unclear;
      if (answers_.first_error.empty()) answers_.first_error = outcome.to_string();
      break;
  }
}

Answers Tally::so_far() const {
  const std::scoped_lock lock(mutex_);
  return answers_;
}

}  // namespace examples
