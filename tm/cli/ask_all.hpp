// ask_all(): one question to every resource manager at the same time, so that one that does not
// answer holds up nobody's answer but its own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "command.hpp"

namespace xabridge::cli {

/// This machine has no means left to ask: the server is not to blame.
[[nodiscard]] inline Error not_asked(const std::string& what, const std::string& resource_manager,
                                     int code) {
  Error e;
  e.operation = what;
  e.resource_manager = resource_manager;
  e.sys_errno = code;
  e.message = code == ENOMEM
                  ? "not asked: memory ran out on this machine (ulimit -v, container limit)"
                  : "not asked: no thread can be started on this machine; raise the limit of "
                    "processes (ulimit -u, container limit) or end some";
  return e;
}

/// The answers in the order of `all`; an error where it could not be opened, did not answer within
/// `limit`, or could not be asked.
template <class Answer>
std::vector<Result<Answer>> ask_all(const std::vector<Looked>& all, std::chrono::milliseconds limit,
                                    const std::string& what,
                                    std::function<Result<Answer>(tm::ResourceManager&)> question) {
  // A driver that keeps the deadline says more about it than that it passed.
  constexpr std::chrono::milliseconds kForTheDriver{1'000};
  const auto deadline = std::chrono::steady_clock::now() + limit;
  struct Asked {
    std::shared_ptr<std::optional<Result<Answer>>> answer;
    std::shared_ptr<tm::CallThreads::UnderWay> call;
  };
  std::vector<Asked> asked;
  for (const Looked& one : all) {
    Asked now{std::make_shared<std::optional<Result<Answer>>>(), nullptr};
    if (one.resource_manager != nullptr) {
      now.call = one.resource_manager->threads().begin(
          what, [answer = now.answer, rm = one.resource_manager, deadline, what, question] {
            try {
              const tm::ResourceManager::Bound bound(*rm, deadline);
              answer->emplace(question(*rm));
            } catch (const std::bad_alloc&) {
              answer->emplace(not_asked(what, rm->name(), ENOMEM));
            }
          });
    }
    asked.push_back(std::move(now));
  }
  std::vector<Result<Answer>> answers;
  answers.reserve(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].resource_manager == nullptr) {
      answers.emplace_back(*all[i].error);
      continue;
    }
    tm::CallThreads& threads = all[i].resource_manager->threads();
    Asked& one = asked[i];
    if (one.call == nullptr) {
      answers.emplace_back(not_asked(what, all[i].name, EAGAIN));
      continue;
    }
    const bool over = threads.wait(*one.call, deadline + kForTheDriver) ||
                      !threads.give_up(*one.call);
    if (over && *one.answer) {
      answers.emplace_back(std::move(**one.answer));
      continue;
    }
    Error e;
    e.xa_code = XAER_RMFAIL;
    e.operation = what;
    e.resource_manager = all[i].name;
    e.connection_usable = false;
    e.outcome_known = false;
    e.message = "no answer within " + std::to_string(limit.count()) +
                "ms (recovery.call_timeout): its server does not answer, or is not reached";
    answers.emplace_back(std::move(e));
  }
  return answers;
}

}  // namespace xabridge::cli
