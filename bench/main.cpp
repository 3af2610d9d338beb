// bench-transfer: the same bank transfers, statement for statement, under xabridge and under
// hand-written two-phase commit, in alternating rounds of one run: what disturbs the machine
// disturbs both.
#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <functional>
#include <iomanip>
#include <iostream>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>
#include <xabridge/transaction_manager.hpp>

#include "../examples/bank_transfer/transfer.hpp"
#include "command_line.hpp"
#include "hand_written.hpp"

namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
  std::string config;
  std::vector<int> clients{1, 8};
  int rounds = 5;
  double seconds = 1.0;
  std::int64_t accounts = 1000;
};

/// What one client does again and again; made in its own thread, because it may hold connections.
using Client = std::function<void(const bank::Transfer&)>;
using MakeClient = std::function<Client()>;

bank::Transfer random_transfer(std::mt19937_64& random, std::int64_t accounts) {
  std::uniform_int_distribution<std::int64_t> number(1, accounts);
  const bank::Account a{bank::Bank::a, number(random)};
  const bank::Account b{bank::Bank::b, number(random)};
  const bool from_a = random() % 2 == 0;
  return {bank::new_transfer_id(), from_a ? a : b, from_a ? b : a, 1};
}

/// Transfers per second of `clients` threads in one round.
double round_of(const MakeClient& make, int clients, const Arguments& arguments) {
  std::atomic<long> done = 0;
  std::mutex mutex;
  std::string failure;
  std::barrier<> start(clients + 1);
  const auto length = std::chrono::duration<double>(arguments.seconds);
  const auto body = [&] {
    Client client;
    try {
      client = make();
    } catch (const std::exception& error) {
      const std::scoped_lock lock(mutex);
      failure = error.what();
    }
    start.arrive_and_wait();
    std::mt19937_64 random(std::random_device{}());
    const auto end = Clock::now() + length;
    while (client && Clock::now() < end) {
      try {
        client(random_transfer(random, arguments.accounts));
        ++done;
      } catch (const std::exception& error) {
        const std::scoped_lock lock(mutex);
        failure = error.what();
        return;
      }
    }
  };
  Clock::time_point started;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < clients; ++i) threads.emplace_back(body);
    start.arrive_and_wait();
    started = Clock::now();
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - started).count();
  if (!failure.empty()) throw std::runtime_error(failure);
  return static_cast<double>(done) / seconds;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void compare(const MakeClient& hand_written, const MakeClient& xabridge, int clients,
             const Arguments& arguments) {
  std::vector<double> hand_rates;
  std::vector<double> our_rates;
  // Round 0 opens connections and fills caches on both sides and is not counted.
  for (int round = 0; round <= arguments.rounds; ++round) {
    const double hand = round_of(hand_written, clients, arguments);
    const double ours = round_of(xabridge, clients, arguments);
    if (round == 0) continue;
    hand_rates.push_back(hand);
    our_rates.push_back(ours);
    std::cerr << std::fixed << std::setprecision(0) << "  " << clients << " clients, round "
              << round << " of " << arguments.rounds << ": hand-written " << hand << "/s, xabridge "
              << ours << "/s" << std::endl;
  }
  const double hand = median(hand_rates);
  const double ours = median(our_rates);
  std::cout << std::fixed << std::setprecision(0) << "clients " << clients << " hand_written "
            << hand << " xabridge " << ours << std::setprecision(2) << " ratio " << ours / hand
            << std::endl;
}

int run(const Arguments& arguments) {
  const auto config = xabridge::Config::load(arguments.config);
  const std::string open_a = examples::open_string_of(config, bank::bank_a, "postgresql");
  const std::string open_b = examples::open_string_of(config, bank::bank_b, "mysql");
  xabridge::TransactionManager tm(config);
  const MakeClient hand_written = [&] {
    auto client = std::make_shared<bench::HandWritten>(open_a, open_b);
    return [client](const bank::Transfer& transfer) { client->transfer(transfer); };
  };
  const MakeClient xabridge = [&] {
    return [&](const bank::Transfer& transfer) {
      const xabridge::Outcome outcome = bank::transfer(tm, transfer);
      if (outcome.kind != xabridge::OutcomeKind::committed) {
        throw std::runtime_error(outcome.to_string());
      }
    };
  };
  for (const int clients : arguments.clients) compare(hand_written, xabridge, clients, arguments);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  xabridge::cli::CommandLine app(
      "Bank transfers under xabridge beside hand-written two-phase commit without a log.\n"
      "Make the tables first: bank-transfer --config FILE init --accounts N",
      "bench-transfer");
  Arguments arguments;
  app.add_option("--config", arguments.config, "as for bank-transfer").required();
  app.add_option("--clients", arguments.clients, "one measurement for each, e.g. 1,8")
      .delimiter(',')
      .range(1, 256);
  app.add_option("--rounds", arguments.rounds, "of each kind; the medians are compared")
      .range(1, 1000);
  app.add_option("--seconds", arguments.seconds, "length of a round").real_range(0.05, 600.0);
  app.add_option("--accounts", arguments.accounts, "at each bank").range(1, 1'000'000);
  if (const std::optional<int> ended = app.parse(argc, argv, 2)) return *ended;
  try {
    return run(arguments);
  } catch (const std::exception& error) {
    std::cerr << "bench-transfer: " << error.what() << '\n';
    return 1;
  }
}
