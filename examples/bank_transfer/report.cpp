// The report file; see the header.
#include "report.hpp"

#include <sstream>
#include <stdexcept>

namespace bank {
namespace {

using xabridge::OutcomeKind;

constexpr std::pair<OutcomeKind, std::string_view> words[] = {
    {OutcomeKind::committed, "committed"},
    {OutcomeKind::committed_pending, "committed_pending"},
    {OutcomeKind::rolled_back, "rolled_back"},
    {OutcomeKind::heuristic, "heuristic"},
    {OutcomeKind::unknown, "unknown"},
};

std::string_view word_for(OutcomeKind outcome) {
  for (const auto& [kind, word] : words) {
    if (kind == outcome) return word;
  }
  return "unknown";
}

OutcomeKind outcome_of(const std::string& word) {
  for (const auto& [kind, text] : words) {
    if (text == word) return kind;
  }
  throw std::runtime_error("the report names an outcome '" + word + "'");
}

}  // namespace

Report::Report(const std::string& file) {
  if (file.empty()) return;
  file_.open(file, std::ios::app);
  if (!file_) throw std::runtime_error("cannot write the report " + file);
}

// Each line leaves the process at once: what a killed program still had in memory was not reported
// to anybody.
void Report::begin(const Transfer& transfer) {
  if (!file_.is_open()) return;
  const std::scoped_lock lock(mutex_);
  file_ << "begin " << transfer.id << ' ' << to_string(transfer.from) << ' '
        << to_string(transfer.to) << ' ' << transfer.amount << std::endl;
}

void Report::end(const Transfer& transfer, OutcomeKind outcome) {
  if (!file_.is_open()) return;
  const std::scoped_lock lock(mutex_);
  file_ << "end " << transfer.id << ' ' << word_for(outcome) << std::endl;
}

Answers read_report(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot read the report " + file);
  Answers answers;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string kind;
    std::string id;
    std::string outcome;
    words >> kind >> id >> outcome;
    if (kind == "begin") answers.try_emplace(id);
    if (kind == "end") answers[id] = outcome_of(outcome);
  }
  return answers;
}

}  // namespace bank
