// Concurrent sales; see the header.
#include "workload.hpp"

#include <random>

#include "../common/clients.hpp"

namespace order_to_cash {
namespace {

constexpr const char* offers[] = {"commuter", "family", "tourer"};

}  // namespace

examples::Answers run_workload(const std::function<Till()>& open_till,
                               const WorkloadOptions& options) {
  const auto client = [&](int index, examples::Items& items, examples::Tally& tally) {
    const Till till = open_till();
    std::seed_seq seed{options.seed, static_cast<std::uint64_t>(index)};
    std::mt19937_64 random(seed);
    std::uniform_int_distribution<std::int64_t> buyer(1, options.buyers);
    std::uniform_int_distribution<std::int64_t> quantity(1, 2);
    while (items.next()) {
      const Order order{buyer(random), offers[random() % std::size(offers)], quantity(random)};
      tally.count([&] { return till(order).outcome; });
    }
  };
  return examples::run_clients(options.clients, options.sales, client);
}

}  // namespace order_to_cash
