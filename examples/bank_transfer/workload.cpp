// Concurrent transfers; see the header.
#include "workload.hpp"

#include <random>

#include "../common/clients.hpp"
#include "report.hpp"

namespace bank {
namespace {

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

}  // namespace

examples::Answers run_workload(const std::function<Teller()>& open_teller,
                               const WorkloadOptions& options) {
  Report report(options.report);
  const auto client = [&](int index, examples::Items& items, examples::Tally& tally) {
    const Teller teller = open_teller();
    std::seed_seq seed{options.seed, static_cast<std::uint64_t>(index)};
    std::mt19937_64 random(seed);
    while (items.next()) {
      const Transfer transfer = random_transfer(random, options.accounts);
      const bool cancelled = static_cast<int>(random() % 100) < options.rollback_percent;
      report.begin(transfer);
      const auto outcome = tally.count([&] { return teller(transfer, cancelled); });
      report.end(transfer, outcome);
    }
  };
  return examples::run_clients(options.clients, options.transfers, client);
}

}  // namespace bank
