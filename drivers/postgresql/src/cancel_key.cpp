// The thread behind CancelKey. It owns all it touches; the library is linked so that it stays
// loaded (-z nodelete), however long the thread may take.

#include "cancel_key.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <xabridge/rm/background_thread.hpp>

namespace xabridge::postgresql {

struct CancelKey::Asking {
  std::unique_ptr<PGcancel, void (*)(PGcancel*)> key;
  std::mutex mutex;
  std::condition_variable asked;
  bool under_way = false;  // guarded by mutex

  explicit Asking(PGconn* connection) : key(PQgetCancel(connection), PQfreeCancel) {}

  void ask() noexcept {
    std::array<char, 256> text{};
    PQcancel(key.get(), text.data(), static_cast<int>(text.size()));
    const std::lock_guard lock(mutex);
    under_way = false;
    asked.notify_all();
  }
};

CancelKey::CancelKey(PGconn* connection) : asking_(std::make_shared<Asking>(connection)) {
  if (asking_->key == nullptr) asking_.reset();
}

void CancelKey::request(std::chrono::milliseconds limit) const noexcept {
  request(std::chrono::steady_clock::now() + limit);
}

// Where there is no thread to be had, nothing is asked: to wait here could take for ever.
void CancelKey::request(std::chrono::steady_clock::time_point deadline) const noexcept try {
  if (asking_ == nullptr) return;
  std::unique_lock lock(asking_->mutex);
  if (!asking_->under_way) {
    asking_->under_way = rm::start_background_thread([asking = asking_] { asking->ask(); });
  }
  const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  asking_->asked.wait_until(lock, std::min(deadline, latest),
                            [this] { return !asking_->under_way; });
} catch (...) {
}

}  // namespace xabridge::postgresql
