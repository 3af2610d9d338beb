// Connecting side by side, or one for all.

#include "connector.hpp"

namespace xabridge::rm {

void Attempt::fail(const Error& error) {
  const bool cut = Clock::now() >= deadline_;
  end(cut ? std::nullopt : std::optional<Error>(error));
}

void Attempt::succeed() { end(std::nullopt); }

void Attempt::end(std::optional<Error> failure) {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    failure_ = std::move(failure);
  }
  ended_.notify_all();
}

std::optional<Error> Attempt::wait(const char* what) {
  std::unique_lock lock(mutex_);
  if (ended_.wait_until(lock, call_deadline(), [&] { return over_; })) return failure_;
  Error error;
  error.operation = what;
  error.xa_code = XAER_RMFAIL;
  error.connection_usable = false;
  error.message =
      "the time for this call was over while another thread was still trying to connect; check "
      "that the server runs and can be reached";
  return error;
}

Connector::Turn Connector::take_turn() {
  const std::lock_guard lock(mutex_);
  if (!away_) return {};
  if (attempt_ != nullptr) return {attempt_, nullptr};
  attempt_ = std::make_shared<Attempt>();
  return {nullptr, attempt_};
}

Result<std::unique_ptr<Session>> Connector::connect() {
  Turn turn = take_turn();
  for (; turn.others != nullptr; turn = take_turn())
    if (auto failure = turn.others->wait("connect")) return *std::move(failure);
  auto session = try_once();
  std::shared_ptr<Attempt> over;
  {
    const std::lock_guard lock(mutex_);
    away_ = !session;
    // Any success is good news for those who wait; a failure is told by whoever they wait for.
    if (session || turn.mine == attempt_) over = std::exchange(attempt_, nullptr);
  }
  if (over != nullptr && session) over->succeed();
  if (over != nullptr && !session) over->fail(session.error());
  return session;
}

// What the driver throws must not leave an attempt behind that others wait for.
Result<std::unique_ptr<Session>> Connector::try_once() {
  Error error;
  error.operation = "connect";
  try {
    auto session = server_.connect(owner_tag_);
    if (session) return session;
    error = std::move(session.error());
  } catch (const std::exception& exception) {
    error.message = std::string("the driver failed: ") + exception.what();
  }
  error.xa_code = XAER_RMFAIL;
  return error;
}

}  // namespace xabridge::rm
