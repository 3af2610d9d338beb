// Concurrent transfers; see the header.
#include "workload.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <iomanip>
#include <iostream>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "report.hpp"
#include "transfer.hpp"

namespace bank {
namespace {

class Workload {
 public:
  Workload(xabridge::TransactionManager& tm, const WorkloadOptions& options)
      : tm_(tm), options_(options), report_(options.report) {}

  WorkloadResult run();

 private:
  void client(int index);
  void one_transfer(const Transfer& transfer, bool cancelled);
  void note(const Transfer& transfer, const xabridge::Outcome& outcome);
  void note_refusal(const Transfer& transfer, const std::string& unexpected);
  void show_progress(std::stop_token stop);

  xabridge::TransactionManager& tm_;
  const WorkloadOptions& options_;
  Report report_;
  std::atomic<long> next_ = 0;
  std::mutex mutex_;
  std::condition_variable_any finished_;
  WorkloadResult result_;
};

Transfer random_transfer(std::mt19937_64& random, std::int64_t accounts) {
  std::uniform_int_distribution<std::int64_t> number(1, accounts);
  std::uniform_int_distribution<Amount> amount(1, 500);
  const Account a{Bank::a, number(random)};
  const Account b{Bank::b, number(random)};
  const bool from_a = random() % 2 == 0;
  Transfer transfer{new_transfer_id(), from_a ? a : b, from_a ? b : a, amount(random)};
  // Now and then somebody wants more than anybody has.
  if (random() % 50 == 0) transfer.amount = Amount{1} << 60;
  return transfer;
}

void Workload::client(int index) {
  std::seed_seq seed{options_.seed, static_cast<std::uint64_t>(index)};
  std::mt19937_64 random(seed);
  while (next_++ < options_.transfers) {
    const Transfer transfer = random_transfer(random, options_.accounts);
    const bool cancelled = static_cast<int>(random() % 100) < options_.rollback_percent;
    one_transfer(transfer, cancelled);
  }
}

void Workload::one_transfer(const Transfer& transfer, bool cancelled) {
  report_.begin(transfer);
  try {
    note(transfer, tm_.run([&](xabridge::Transaction& tx) {
      book(tx, transfer);
      if (cancelled) throw Refused("the customer changed their mind");
    }));
  } catch (const Refused&) {
    note_refusal(transfer, "");
  } catch (const std::exception& error) {
    // run() rolls back before it lets an exception out: nothing is booked, whatever went wrong.
    note_refusal(transfer, error.what());
  }
}

void Workload::note(const Transfer& transfer, const xabridge::Outcome& outcome) {
  report_.end(transfer, outcome.kind);
  const std::scoped_lock lock(mutex_);
  ++result_.asked;
  result_.retries += static_cast<long>(outcome.retries.size());
  if (outcome.committed()) ++result_.committed;
  switch (outcome.kind) {
    case xabridge::OutcomeKind::committed:
      break;
    case xabridge::OutcomeKind::committed_pending:
      ++result_.pending;
      break;
    case xabridge::OutcomeKind::rolled_back:
      ++result_.rolled_back;
      break;
    case xabridge::OutcomeKind::heuristic:
    case xabridge::OutcomeKind::unknown:
      ++result_.unclear;
      break;
  }
  const bool expected = outcome.committed() || outcome.kind == xabridge::OutcomeKind::rolled_back;
  if (!expected && result_.first_error.empty()) result_.first_error = outcome.to_string();
}

void Workload::note_refusal(const Transfer& transfer, const std::string& unexpected) {
  report_.end(transfer, xabridge::OutcomeKind::rolled_back);
  const std::scoped_lock lock(mutex_);
  ++result_.asked;
  ++result_.rolled_back;
  if (!unexpected.empty() && result_.first_error.empty()) result_.first_error = unexpected;
}

void Workload::show_progress(std::stop_token stop) {
  using namespace std::chrono_literals;
  std::unique_lock lock(mutex_);
  while (!finished_.wait_for(lock, stop, 1s, [&] { return stop.stop_requested(); })) {
    if (stop.stop_requested()) return;
    std::cout << "  " << std::setw(6) << result_.asked << " of " << options_.transfers
              << " transfers answered: " << result_.committed << " committed, "
              << result_.rolled_back << " rolled back" << std::endl;
  }
}

WorkloadResult Workload::run() {
  const auto started = std::chrono::steady_clock::now();
  {
    const std::jthread progress([this](std::stop_token stop) { show_progress(std::move(stop)); });
    std::vector<std::jthread> clients;
    for (int i = 0; i < options_.clients; ++i) clients.emplace_back([this, i] { client(i); });
  }
  result_.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return result_;
}

}  // namespace

WorkloadResult run_workload(xabridge::TransactionManager& tm, const WorkloadOptions& options) {
  return Workload(tm, options).run();
}

}  // namespace bank
