// The transfer; see the header.
#include "transfer.hpp"

#include <set>
#include <xabridge/mysql.hpp>
#include <xabridge/postgresql.hpp>

#include "mysql_bank.hpp"
#include "postgresql_bank.hpp"

namespace bank {

void book(xabridge::Transaction& tx, const Transfer& transfer) {
  for (const Entry& entry : entries_of(transfer)) {
    if (entry.account.bank == Bank::a) {
      postgresql::post(tx.postgresql(bank_a), entry);
    } else {
      mysql::post(tx.mysql(bank_b), entry);
    }
  }
  // A bank that has no part in the transfer is not even asked for its connection: one branch,
  // committed in one phase.
  const std::set<Bank> banks{transfer.from.bank, transfer.to.bank};
  if (banks.contains(Bank::a))
    postgresql::record(tx.postgresql(bank_a), transfer);
  if (banks.contains(Bank::b)) mysql::record(tx.mysql(bank_b), transfer);
}

xabridge::Outcome transfer(xabridge::TransactionManager& tm, const Transfer& transfer) {
  return tm.run([&](xabridge::Transaction& tx) { book(tx, transfer); });
}

Amount balance(xabridge::TransactionManager& tm, const Account& account) {
  Amount amount = 0;
  // Nothing was written, so nothing can be half done: the outcome of ending it does not matter
  // here.
  (void)tm.run([&](xabridge::Transaction& tx) {
    amount = account.bank == Bank::a
                 ? postgresql::balance(tx.postgresql(bank_a), account)
                 : mysql::balance(tx.mysql(bank_b), account);
  });
  return amount;
}

}  // namespace bank
