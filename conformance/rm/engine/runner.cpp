// See runner.hpp.
#include "engine/runner.hpp"

#include <memory>
#include <utility>

#include "engine/last_words.hpp"
#include "engine/trial.hpp"

namespace xabridge::conformance {
namespace {

/// The calls of a trial that hung go on at its rmids; the next trials use others.
constexpr int kRmidsPerTrial = 10;

std::string null_entries(const xa_switch_t& rm) {
  const std::pair<const char*, bool> entries[] = {{"xa_open", rm.xa_open_entry == nullptr},
                                                  {"xa_close", rm.xa_close_entry == nullptr},
                                                  {"xa_start", rm.xa_start_entry == nullptr},
                                                  {"xa_end", rm.xa_end_entry == nullptr},
                                                  {"xa_rollback", rm.xa_rollback_entry == nullptr},
                                                  {"xa_prepare", rm.xa_prepare_entry == nullptr},
                                                  {"xa_commit", rm.xa_commit_entry == nullptr},
                                                  {"xa_recover", rm.xa_recover_entry == nullptr},
                                                  {"xa_forget", rm.xa_forget_entry == nullptr},
                                                  {"xa_complete", rm.xa_complete_entry == nullptr}};
  std::string text;
  for (const auto& [name, missing] : entries)
    if (missing) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

void applies(const Subject& subject, const Statement& statement) {
  if (statement.run == nullptr)
    throw NotApplicable{"tests a transaction manager: run tm-conformance"};
  if (const std::string missing = null_entries(*subject.entries); !missing.empty())
    throw Failed{"the switch lacks " + missing + ": XA wants all ten entries"};
  if (statement.id.front() == 'C' && subject.dynamic())
    throw NotApplicable{"table 6-2 is for switches without TMREGISTER"};
  if (!statement.needs.empty() && !subject.capabilities.contains(std::string(statement.needs)))
    throw NotApplicable{"capability " + std::string(statement.needs) + " not claimed"};
  if (statement.needs == "async" && !subject.asynchronous())
    throw Failed{"capability async claimed, but the switch has no TMUSEASYNC"};
}

}  // namespace

std::string run_statements(const Subject& subject, const std::vector<std::string>& only,
                           Report& report) {
  int rmid = 1;
  for (const Statement& statement : catalogue()) {
    if (!selected(statement.id, only)) continue;
    Finding finding = judge(statement, [&] { applies(subject, statement); });
    if (finding.verdict != Verdict::pass) {
      report.add(std::move(finding));
      continue;
    }
    now_trying(statement.id);
    auto trial = std::make_unique<Trial>(subject, statement, rmid);
    bool interrupted = false;
    finding = judge(statement, [&] {
      try {
        trial->th1.open().must(XA_OK);
        statement.run(*trial);
      } catch (const Interrupted&) {
        interrupted = true;
      }
    });
    allow_again();
    std::string left = trial->clean_up();
    if (trial->hung()) {
      rmid += kRmidsPerTrial;
      (void)trial.release();  // its threads may come back and look
    }
    if (interrupted)
      return "interrupted in " + std::string(statement.id) +
             (left.empty() ? ", everything was cleaned up" : "\n" + left);
    if (!left.empty() && finding.verdict != Verdict::fail) {
      finding.verdict = Verdict::fail;
      finding.text = std::move(left);
    }
    report.add(std::move(finding));
  }
  return {};
}

}  // namespace xabridge::conformance
