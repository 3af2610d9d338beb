// Two local commits, one after the other; see the header.
#include "ad_hoc.hpp"

#include <memory>

#include "../common/ad_hoc.hpp"
#include "../common/direct_connection.hpp"
#include "mysql_bank.hpp"
#include "postgresql_bank.hpp"
#include "transfer.hpp"

namespace bank {
namespace {

struct Connections {
  examples::PlainPostgresql a;
  examples::PlainMysql b;
};

void book_at(const Connections& connections, const Entry& entry) {
  if (entry.account.bank == Bank::a) {
    postgresql::post(connections.a, entry);
  } else {
    mysql::post(connections.b, entry);
  }
}

void transfer_ad_hoc(const Connections& connections, const Transfer& transfer, bool cancelled,
                     xabridge::Observer* steps) {
  const auto entries = entries_of(transfer);
  const auto concerns = [&](Bank bank) {
    return transfer.from.bank == bank || transfer.to.bank == bank;
  };
  const auto undo_at_a = [&] {
    for (const Entry& entry : entries) {
      if (entry.account.bank == Bank::a) book_at(connections, {entry.account, -entry.change});
    }
    postgresql::forget(connections.a, transfer);
  };
  examples::AdHoc work(steps);
  if (concerns(Bank::a)) work.begin(bank_a, connections.a, undo_at_a);
  if (concerns(Bank::b)) work.begin(bank_b, connections.b);
  for (const Entry& entry : entries) book_at(connections, entry);
  if (concerns(Bank::a)) postgresql::record(connections.a, transfer);
  if (concerns(Bank::b)) mysql::record(connections.b, transfer);
  if (cancelled) refuse_cancelled();
  work.commit();
}

}  // namespace

Teller open_ad_hoc_teller(const xabridge::Config& config, xabridge::Observer* steps) {
  const auto connections = std::make_shared<Connections>(Connections{
      examples::connect_postgresql(config, bank_a), examples::connect_mysql(config, bank_b)});
  return [connections, steps](const Transfer& transfer, bool cancelled) {
    examples::repeat_after_deadlock(
        [&] { transfer_ad_hoc(*connections, transfer, cancelled, steps); });
    xabridge::Outcome outcome;
    outcome.kind = xabridge::OutcomeKind::committed;
    return outcome;
  };
}

}  // namespace bank
