// The books of both banks, compared; see the header.
#include "audit.hpp"

#include <map>
#include <optional>

#include "../common/direct_connection.hpp"
#include "mysql_bank.hpp"
#include "postgresql_bank.hpp"
#include "report.hpp"
#include "transfer.hpp"

namespace bank {
namespace {

using Transfers = std::map<std::string, Transfer>;

bool concerns(const Transfer& transfer, Bank bank) {
  return transfer.from.bank == bank || transfer.to.bank == bank;
}

/// Every transfer one bank knows must be known to each bank it concerns.
void compare(const Transfers& here, const Transfers& there, Bank other, Audit& result) {
  for (const auto& [id, transfer] : here) {
    if (concerns(transfer, other) && !there.contains(id)) {
      result.faults.push_back("transfer " + id + " is missing at bank " +
                              (other == Bank::a ? "A" : "B"));
    }
  }
}

/// A bank's money must be what its own transfer rows say.
void check_money(const Transfers& transfers, Bank bank, Amount opening, Amount now, Audit& result) {
  Amount expected = opening;
  for (const auto& [id, transfer] : transfers) {
    if (transfer.from.bank == bank) expected -= transfer.amount;
    if (transfer.to.bank == bank) expected += transfer.amount;
  }
  if (expected != now) {
    result.faults.push_back(std::string("bank ") + (bank == Bank::a ? "A" : "B") + " has " +
                            std::to_string(now) + ", its transfers say " +
                            std::to_string(expected));
  }
}

void compare_with_report(const Transfers& a, const Transfers& b, const std::string& file,
                         Audit& result) {
  for (const auto& [id, outcome] : read_report(file)) {
    const bool booked = a.contains(id) || b.contains(id);
    using xabridge::OutcomeKind;
    const bool said_committed =
        outcome == OutcomeKind::committed || outcome == OutcomeKind::committed_pending;
    const bool said_rolled_back = outcome == OutcomeKind::rolled_back;
    ++result.asked;
    if (said_committed) ++result.committed;
    if (said_rolled_back) ++result.rolled_back;
    if (!outcome) ++(booked ? result.finished_by_recovery : result.rolled_back_by_recovery);
    if (said_committed && !booked) {
      result.faults.push_back("transfer " + id + " was reported committed and is nowhere");
    }
    if (said_rolled_back && booked) {
      result.faults.push_back("transfer " + id + " was reported rolled back and is booked");
    }
  }
}

}  // namespace

Audit audit(const xabridge::Config& config, const std::string& report) {
  const auto at_a = examples::connect_postgresql(config, bank_a);
  const auto at_b = examples::connect_mysql(config, bank_b);
  const Transfers transfers_a = postgresql::transfers(at_a);
  const Transfers transfers_b = mysql::transfers(at_b);

  Audit result;
  result.opening_a = postgresql::opening_total(at_a);
  result.opening_b = mysql::opening_total(at_b);
  result.money_a = postgresql::total(at_a);
  result.money_b = mysql::total(at_b);
  compare(transfers_a, transfers_b, Bank::b, result);
  compare(transfers_b, transfers_a, Bank::a, result);
  check_money(transfers_a, Bank::a, result.opening_a, result.money_a, result);
  check_money(transfers_b, Bank::b, result.opening_b, result.money_b, result);
  if (result.money_a + result.money_b != result.opening_a + result.opening_b) {
    result.faults.push_back(
        "money is not conserved: " + std::to_string(result.opening_a + result.opening_b) +
        " before, " + std::to_string(result.money_a + result.money_b) + " now");
  }
  for (const auto& [id, transfer] : transfers_a) {
    if (!concerns(transfer, Bank::b) || transfers_b.contains(id)) ++result.transfers;
  }
  for (const auto& [id, transfer] : transfers_b) {
    if (!concerns(transfer, Bank::a)) ++result.transfers;
  }
  if (!report.empty()) compare_with_report(transfers_a, transfers_b, report, result);
  return result;
}

}  // namespace bank
