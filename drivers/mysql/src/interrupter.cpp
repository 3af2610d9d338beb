// See interrupter.hpp.
#include "interrupter.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>
#include <xabridge/rm/session.hpp>

#include "call_limit.hpp"
#include "connect.hpp"
#include "errors.hpp"

namespace xabridge::mysql {
namespace {

// Who is to be interrupted waits for it, and so does whoever interrupts the next.
constexpr std::chrono::seconds kPatience{2};
constexpr std::chrono::milliseconds kShortestPause{200};
constexpr std::chrono::milliseconds kLongestPause{5000};
constexpr std::chrono::minutes kBetweenLogIns{1};
// Of older ones the server frees itself in time.
constexpr std::size_t kMostLost = 1000;
constexpr int kNoSuchThread = 1094;

auto now() { return std::chrono::steady_clock::now(); }
auto until() { return std::min(rm::call_deadline(), now() + kPatience); }

}  // namespace

Interrupter::~Interrupter() { leave_to_parent(); }

/// In a forked child: closing would say goodbye on a connection that the parent uses.
void Interrupter::leave_to_parent() noexcept {
  if (connection_ == nullptr || process_ == ::getpid()) return;
  (void)statement_.release();
  (void)connection_.release();
}

void Interrupter::log_in() {
  const rm::CallDeadline limit(until());
  Socket socket;
  auto opened = open_connection(*settings_, "", &socket);
  if (!opened) throw Exception(std::move(opened.error()));
  connection_ = *std::move(opened);
  statement_.reset(connection_->createStatement());
  socket_ = socket;
  late_ = false;
  process_ = ::getpid();
  const CallLimit within(socket_, until(), late_);
  statement_->execute("SET SESSION wait_timeout = 31536000");  // idle, for as long as we are
}

void Interrupter::drop() noexcept {
  if (late_) cut(socket_);
  statement_.reset();
  connection_.reset();
}

void Interrupter::get_ready() noexcept {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  leave_to_parent();
  if (connection_ != nullptr || now() < next_log_in_) return;
  next_log_in_ = now() + kBetweenLogIns;
  try {
    log_in();
  } catch (const std::exception&) {
    drop();
  }
}

Interrupter::Told Interrupter::end_statement(const std::string& lock) noexcept {
  const std::lock_guard guard(mutex_);
  // Whoever waited for an attempt of another that nobody answered has its answer.
  if (now() < not_before_) return unanswered_ ? Told::unanswered : Told::later;
  leave_to_parent();
  try {
    const std::string sql = "KILL QUERY IS_USED_LOCK('" + lock + "')";
    bool stale = false;
    Told told = attempt(sql, stale);
    if (stale) told = attempt(sql, stale);
    return told;
  } catch (const std::exception&) {
    return failed(Told::unanswered);
  }
}

void Interrupter::keep_lost(SessionMark mark, const std::string& server) noexcept try {
  const std::lock_guard lock(lost_mutex_);
  if (lost_.size() == kMostLost) lost_.erase(lost_.begin());
  lost_.push_back({std::move(mark), server, ::getpid()});
} catch (const std::exception&) {
  // Out of memory: the server keeps the session until idle_limit.
}

std::vector<Interrupter::Lost> Interrupter::take_lost(const std::string& server) {
  std::vector<Lost> taken;
  const std::lock_guard lock(lost_mutex_);
  const int process = ::getpid();
  for (std::size_t i = 0; i < lost_.size();) {
    if (lost_[i].server != server || lost_[i].process != process) {
      ++i;
      continue;
    }
    taken.push_back(std::move(lost_[i]));
    lost_.erase(lost_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return taken;
}

/// `stale`: the connection had been lost before, which says nothing about the server.
Interrupter::Told Interrupter::attempt(const std::string& sql, bool& stale) {
  const bool kept = connection_ != nullptr;
  stale = false;
  try {
    connector();
    if (!kept) log_in();
    const CallLimit within(socket_, until(), late_);
    statement_->execute(sql);
  } catch (const sql::SQLException& failure) {
    const ErrorRow& row = error_row(failure.getErrorCode());
    if (row.connection_usable) {
      pause_ = {};
      return failure.getErrorCode() == kNoSuchThread ? Told::unknown : failed(Told::refused);
    }
    stale = kept && !late_;
    drop();
    return failed(Told::unanswered);
  } catch (const Exception& failure) {
    drop();
    const int code = failure.error().vendor_code;
    const bool answered = code != 0 && (code < 2000 || code > 2999);
    return failed(answered ? Told::refused : Told::unanswered);
  }
  if (late_) drop();
  pause_ = {};
  return Told::yes;
}

Interrupter::Told Interrupter::failed(Told how) noexcept {
  pause_ = std::clamp(pause_ * 2, kShortestPause, kLongestPause);
  not_before_ = now() + pause_;
  unanswered_ = how == Told::unanswered;
  return how;
}

}  // namespace xabridge::mysql
