// The thread behind CancelKey. It owns all it touches; the library is linked so that it stays
// loaded (-z nodelete), however long the thread may take.

#include "cancel_key.hpp"

#include <array>
#include <future>
#include <thread>

namespace xabridge::postgresql {
namespace {

void ask(PGcancel* key) noexcept {
  std::array<char, 256> text{};
  PQcancel(key, text.data(), static_cast<int>(text.size()));
}

}  // namespace

void CancelKey::request(std::chrono::milliseconds limit) const noexcept {
  if (key_ == nullptr) return;
  try {
    std::promise<void> asked;
    const std::future<void> done = asked.get_future();
    std::thread([key = key_, promise = std::move(asked)]() mutable {
      ask(key.get());
      promise.set_value();
    }).detach();
    done.wait_for(limit);
  } catch (...) {  // no thread to be had
    ask(key_.get());
  }
}

}  // namespace xabridge::postgresql
