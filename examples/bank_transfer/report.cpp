// The report file; see the header.
#include "report.hpp"

#include <sstream>
#include <stdexcept>

namespace bank {

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

void Report::end(const Transfer& transfer, std::string_view outcome) {
  if (!file_.is_open()) return;
  const std::scoped_lock lock(mutex_);
  file_ << "end " << transfer.id << ' ' << outcome << std::endl;
}

std::map<std::string, std::optional<std::string>> read_report(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot read the report " + file);
  std::map<std::string, std::optional<std::string>> answers;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string kind;
    std::string id;
    std::string outcome;
    words >> kind >> id >> outcome;
    if (kind == "begin") answers.try_emplace(id);
    if (kind == "end" && !outcome.empty()) answers[id] = outcome;
  }
  return answers;
}

}  // namespace bank
