// send() and receive(): how a request travels, whether its caller waits or not. An answer that
// does not come within the call's limit, or cannot be received, is none: the step that waits for it
// looks at a reply that is not whole, on a session that is given up.

#include <algorithm>

#include "giving_up.hpp"
#include "session.hpp"

namespace xabridge::postgresql {

using rm::Answer;
using rm::Patience;
using rm::Request;

Answer Session::call(Request request, const Xid& xid) {
  send(request, xid);
  if (auto answer = receive(Patience::wait)) return *std::move(answer);
  give_up(Wait::failed);  // receive() has not kept its word
  return lost("call", &xid, false);
}

// Always true: what cannot be sent is answered from here.
bool Session::send(Request request, const Xid& xid) {
  give_up_if_outstanding();
  Clock::time_point limit = answered_from_memory(request) ? question_limit() : rm::call_deadline();
  if (request == Request::begin) limit = std::min(limit, rm::begin_deadline());
  call_.emplace(Call{request, xid, limit});
  origin_.transaction_id.clear();
  evidence_.clear();
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
    const bool waits = patience == Patience::wait;
    const Wait waited = exchange_.receive(connection_.get(), waits ? call_->limit : Clock::now());
    if (waited == Wait::late && Clock::now() < call_->limit) return std::nullopt;
    if (waited != Wait::ready) give_up(waited);
    (this->*call_->next)(exchange_.take());
  }
  Answer answer = *std::move(call_->answer);
  call_.reset();
  return answer;
}

// On a session that is given up nothing is sent, and the step sees a reply that is not whole.
void Session::ask(const std::string& message, Step next) {
  call_->next = next;
  if (given_up_ != Wait::ready) return;
  exchange_.send(connection_.get(), message.c_str());
}

}  // namespace xabridge::postgresql
