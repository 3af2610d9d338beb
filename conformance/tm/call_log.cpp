// See call_log.hpp.
#include "call_log.hpp"

#include <chrono>

void CallLog::add(std::string text, std::string xid) {
  const std::lock_guard lock(mutex_);
  calls_.push_back({std::move(text), std::move(xid), std::this_thread::get_id()});
  changed_.notify_all();
}

void CallLog::clear() {
  const std::lock_guard lock(mutex_);
  calls_.clear();
}

std::vector<CallLog::Call> CallLog::all() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

std::vector<std::string> CallLog::work() const {
  std::vector<std::string> texts;
  for (const Call& call : all()) {
    const bool about_access = call.text.starts_with("open ") || call.text.starts_with("close ") ||
                              call.text.starts_with("recover ");
    if (!about_access) texts.push_back(call.text);
  }
  return texts;
}

std::size_t CallLog::count(const std::string& text) const {
  const std::lock_guard lock(mutex_);
  std::size_t n = 0;
  for (const Call& call : calls_) n += call.text == text ? 1 : 0;
  return n;
}

bool CallLog::wait_for(const std::string& text, std::size_t n) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
    std::size_t seen = 0;
    for (const Call& call : calls_) seen += call.text == text ? 1 : 0;
    return seen >= n;
  });
}
