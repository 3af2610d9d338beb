// Outstanding: see outstanding.hpp.

#include "outstanding.hpp"

namespace xabridge::rm {

Outstanding::~Outstanding() {
  if (job_ != nullptr) (void)job_->take(Patience::wait);  // it uses operation_
}

Outstanding::Stage Outstanding::take(Checked checked) {
  if (auto* const operation = std::get_if<std::unique_ptr<Operation>>(&checked)) {
    operation_ = std::move(*operation);
    return Stage::here;
  }
  answer_ = std::move(std::get<Answer>(checked));
  return answer_.code == XA_RETRY ? Stage::put_off : Stage::answered;
}

bool Outstanding::dispatch() {
  if (!operation_->waits()) return true;
  try {
    if (operation_->send()) {
      stage_ = Stage::sent;
      return true;
    }
  } catch (const std::exception& exception) {
    // Sent or not, nobody knows; that is the answer, and the tables will go on from there.
    answer_ = refused(operation_->unknown(), std::string("the driver failed: ") + exception.what());
    stage_ = Stage::not_sent;
    return true;
  }
  auto job = std::make_shared<Job>(*operation_);
  if (!workers_.submit(job)) return false;
  job_ = std::move(job);
  stage_ = Stage::in_worker;
  return true;
}

std::optional<Answer> Outstanding::launch() {
  stage_ = take(check_(Pool::Wait::no));
  if (stage_ == Stage::answered && answer_.code < 0) return std::move(answer_);
  if (stage_ == Stage::here && !dispatch())
    return refused(XAER_ASYNC,
                   "as many asynchronous calls are under way here as the switch has threads for; "
                   "make the call without TMASYNC, or complete another one first");
  return std::nullopt;
}

std::optional<Answer> Outstanding::ask(Patience patience) {
  if (stage_ == Stage::not_sent) return std::move(answer_);
  if (stage_ == Stage::sent) return operation_->receive(patience);
  if (stage_ == Stage::in_worker) {
    auto answer = job_->take(patience);
    if (answer) job_.reset();
    return answer;
  }
  return operation_->perform();
}

std::optional<Answer> Outstanding::finish(Patience patience) {
  const bool poll = patience == Patience::poll;
  if (stage_ == Stage::put_off) {
    stage_ = take(check_(poll ? Pool::Wait::no : Pool::Wait::yes));
    // Whoever waited and still gets XA_RETRY has waited as long as the switch allows.
    if (stage_ == Stage::put_off && poll) return std::nullopt;
    if (stage_ == Stage::put_off) stage_ = Stage::answered;
  }
  if (poll && stage_ == Stage::here && !dispatch()) return std::nullopt;
  if (stage_ == Stage::answered) return std::move(answer_);
  auto answer = ask(patience);
  if (!answer && poll) return std::nullopt;
  if (!answer) answer = refused(operation_->unknown(), "the driver sent and received nothing");
  Answer concluded = operation_->conclude(*std::move(answer));
  operation_.reset();  // gives up the claim
  return concluded;
}

void Outstanding::abandon() noexcept try {
  const bool asked = stage_ != Stage::put_off && stage_ != Stage::here && stage_ != Stage::answered;
  if (asked) (void)finish(Patience::wait);
} catch (...) {
  // Out of memory while a thread ends: the destructor gives up the claim.
}

}  // namespace xabridge::rm
