// How long a session is waited for: by our calls, by the server when we are silent, and by the
// application whose statement is interrupted.
#include <algorithm>
#include <chrono>

#include "errors.hpp"
#include "session.hpp"

namespace xabridge::mysql {
namespace {

// A client that asked so often in vain is set free without the server.
constexpr int kRefusedInterrupts = 3;
// So long an application has to come back to its connection, before the branch's locks count more.
constexpr std::chrono::milliseconds kPatience{1000};
// What has not helped until then never will.
constexpr std::chrono::milliseconds kEnd{10'000};

}  // namespace

CallLimit::Time MysqlSession::Within::until(const MysqlSession& session, What what) {
  if (what == What::any) return rm::call_deadline();
  const auto brief =
      std::chrono::steady_clock::now() + std::chrono::seconds(session.settings_->connect_timeout);
  return std::min(what == What::begin ? rm::begin_deadline() : rm::call_deadline(), brief);
}

MysqlSession::Within::Within(MysqlSession& session, What what)
    : session_(session), outer_(session.within_), limit_(until(session, what)) {
  limit_.watch(session_.socket_, session_.late_);
  session_.within_ = this;
  if (outer_ == nullptr) session_.evidence_.clear();
}

MysqlSession::Within::~Within() {
  session_.within_ = outer_;
  if (session_.late_) session_.broken_ = true;
}

/// A host that vanishes says no goodbye, and the server keeps the branch and its locks until it
/// gives the session up: with wait_timeout, which is eight hours. Near the time the transaction
/// manager gives the branch it is minutes. One statement, in the first branch of a session.
std::optional<Error> MysqlSession::limit_silence() {
  constexpr long kBeyond = 60;
  long wanted = usual_silence_;
  const auto deadline = rm::call_deadline();
  if (settings_->idle_limit != 0 && deadline != CallLimit::Time::max()) {
    const auto left =
        std::chrono::ceil<std::chrono::minutes>(deadline - std::chrono::steady_clock::now());
    const long seconds = std::chrono::seconds(left).count() + kBeyond;
    wanted = std::min(usual_silence_, std::max<long>(settings_->idle_limit, seconds));
  }
  const bool enough = silence_ >= wanted && (silence_ != usual_silence_ || wanted == silence_);
  if (enough) return std::nullopt;
  auto error =
      say("SET SESSION wait_timeout = " + std::to_string(wanted), "SET wait_timeout", nullptr);
  if (!error) silence_ = wanted;
  return error;
}

bool MysqlSession::alive() noexcept {
  try {
    connector();
    const Within within(*this, Within::What::brief);
    return !broken_ && connection_->isValid() && !late_;
  } catch (const std::exception&) {
    return false;
  }
}

void MysqlSession::interrupt() noexcept try {
  interrupted_ = true;
  const auto now = std::chrono::steady_clock::now();
  std::unique_lock lock(id_mutex_);
  if (!first_interrupt_) first_interrupt_ = now;
  const auto since = now - *first_interrupt_;
  if (since >= kEnd) return;
  if (interrupter_ == nullptr) interrupter_ = std::make_shared<Interrupter>(settings_);
  const auto interrupter = interrupter_;
  const std::string mark = mark_.lock();
  const Socket socket = socket_;
  lock.unlock();
  const Interrupter::Told told = interrupter->end_statement(mark);
  lock.lock();
  using Told = Interrupter::Told;
  if (told == Told::yes) refused_interrupts_ = 0;
  if (told == Told::refused) ++refused_interrupts_;
  const bool in_vain = told == Told::unknown || told == Told::unanswered ||
                       refused_interrupts_ >= kRefusedInterrupts || since >= kPatience;
  // A session changes its connection only while no statement of the application runs.
  if (in_vain && socket.cookie == socket_.cookie) cut(socket);
} catch (const std::exception&) {
  // Best effort: the statement ends by itself or with the session.
}

}  // namespace xabridge::mysql
