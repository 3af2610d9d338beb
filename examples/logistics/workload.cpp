// Concurrent orders; see the header.
#include "workload.hpp"

#include <random>

#include "../common/clients.hpp"

namespace logistics {
namespace {

Order random_order(std::mt19937_64& random, std::int64_t customers) {
  std::uniform_int_distribution<std::int64_t> customer(1, customers);
  std::uniform_int_distribution<std::int64_t> few(1, 3);
  Order order{customer(random), {}};
  for (const char* article : {"pipe", "pump", "tank", "valve"}) {
    if (random() % 2 == 0) order.lines.push_back({article, few(random)});
  }
  if (order.lines.empty()) order.lines.push_back({"valve", few(random)});
  return order;
}

}  // namespace

examples::Answers run_workload(const std::function<Desk()>& open_desk,
                               const WorkloadOptions& options) {
  const auto client = [&](int index, examples::Items& items, examples::Tally& tally) {
    const Desk desk = open_desk();
    std::seed_seq seed{options.seed, static_cast<std::uint64_t>(index)};
    std::mt19937_64 random(seed);
    while (items.next()) {
      const Order order = random_order(random, options.customers);
      tally.count([&] { return desk(order).outcome; });
    }
  };
  return examples::run_clients(options.clients, options.orders, client);
}

}  // namespace logistics
