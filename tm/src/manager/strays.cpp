// Transactions whose thread is not the one that lets go of them.
#include <utility>

#include "transaction_impl.hpp"

namespace xabridge::tm {

Strays::Strays() = default;
Strays::~Strays() = default;

void Strays::keep(std::unique_ptr<Transaction::Impl> transaction) {
  const std::thread::id thread = transaction->thread;
  const std::lock_guard lock(mutex_);
  all_.emplace(thread, std::move(transaction));
  any_ = true;
}

void Strays::end_own() {
  if (!any_) return;
  std::vector<std::unique_ptr<Transaction::Impl>> own;
  {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = all_.equal_range(std::this_thread::get_id());
    for (auto it = first; it != last; ++it) own.push_back(std::move(it->second));
    all_.erase(first, last);
    any_ = !all_.empty();
  }
  own.clear();  // rolls back, which asks servers
}

void Strays::end_all() {
  std::multimap<std::thread::id, std::unique_ptr<Transaction::Impl>> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(all_);
    any_ = false;
  }
}

}  // namespace xabridge::tm

namespace xabridge {

void Transaction::Impl::release(std::unique_ptr<Impl> transaction) noexcept {
  if (transaction == nullptr || !transaction->active ||
      std::this_thread::get_id() == transaction->thread ||
      !transaction->runtime->in_own_process()) {
    return;
  }
  const auto runtime = transaction->runtime;
  runtime->events->emit(
      EventKind::warning, transaction->gtrid_hex, {}, XAER_PROTO,
      "destroyed by another thread than the one that began it: its sessions are ended, so that the "
      "servers roll it back. Keep a transaction in its thread");
  transaction->current.ended();
  try {
    runtime->watcher->give_up(transaction->gate, transaction->gtrid_hex);
    runtime->strays.keep(std::move(transaction));
  } catch (const std::exception&) {
    // Out of memory: what is left is to try it from here.
  }
}

}  // namespace xabridge
