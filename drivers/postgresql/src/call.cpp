// send() and receive(): how a request travels, whether its caller waits or not.

#include "session.hpp"

namespace xabridge::postgresql {

using rm::Answer;
using rm::Patience;
using rm::Request;

Answer Session::call(Request request, const Xid& xid) {
  send(request, xid);
  return *receive(Patience::wait);
}

// Always true: what cannot be sent is answered from here.
bool Session::send(Request request, const Xid& xid) {
  call_.emplace(Call{request, xid, nullptr, std::nullopt, std::nullopt});
  origin_.transaction_id.clear();
  start(request);
  return true;
}

void Session::start(Request request) {
  switch (request) {
    case Request::begin:
      return start_begin();
    case Request::end:
    case Request::resume:
      return;  // local: answered when asked, from the state the session is in then
    case Request::prepare:
      return start_prepare();
    case Request::commit_one_phase:
      return start_commit_one_phase();
    case Request::rollback:
      return start_rollback();
    case Request::commit_prepared:
      return start_complete(Final::commit);
    case Request::rollback_prepared:
      return start_complete(Final::rollback);
  }
}

std::optional<Answer> Session::receive(Patience patience) {
  if (!call_) return Answer(XAER_PROTO);
  if (call_->request == Request::end) conclude(inspect("end of the branch", call_->xid));
  if (call_->request == Request::resume) conclude(inspect("resume of the branch", call_->xid));
  const Observer::Pause pause(observer_);
  while (!call_->answer) {
    const auto limit = patience == Patience::wait ? Clock::time_point::max() : Clock::now();
    if (!exchange_.receive(connection_.get(), limit)) return std::nullopt;
    (this->*call_->next)(exchange_.take());
  }
  Answer answer = *std::move(call_->answer);
  call_.reset();
  return answer;
}

void Session::ask(const std::string& message, Step next) {
  call_->next = next;
  exchange_.send(connection_.get(), message.c_str());
}

}  // namespace xabridge::postgresql
