// Hand-written two-phase commit; see the header.
#include "hand_written.hpp"

#include <cstring>
#include <stdexcept>

#include "../examples/bank_transfer/mysql_bank.hpp"
#include "../examples/bank_transfer/postgresql_bank.hpp"

namespace bench {

HandWritten::HandWritten(const std::string& open_a, const std::string& open_b)
    : a_(examples::connect_postgresql(open_a)),
      b_(examples::connect_mysql(open_b)),
      statement_b_(b_->createStatement()) {}

void HandWritten::at_a(const std::string& sql, const char* expected_tag) {
  struct Clear {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
  };
  const std::unique_ptr<PGresult, Clear> result(PQexec(a_, sql.c_str()));
  // In a failed transaction PREPARE TRANSACTION succeeds with the tag ROLLBACK.
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK ||
      std::strcmp(PQcmdStatus(result.get()), expected_tag) != 0) {
    throw std::runtime_error(sql + ": " + PQerrorMessage(a_));
  }
}

void HandWritten::at_b(const std::string& sql) { statement_b_->execute(sql); }

void HandWritten::work(const bank::Transfer& transfer) {
  for (const bank::Entry& entry : bank::entries_of(transfer)) {
    if (entry.account.bank == bank::Bank::a) {
      bank::postgresql::post(a_, entry);
    } else {
      bank::mysql::post(b_, entry);
    }
  }
  bank::postgresql::record(a_, transfer);
  bank::mysql::record(b_, transfer);
}

void HandWritten::transfer(const bank::Transfer& transfer) {
  // The id is 32 hexadecimal digits: nothing in it needs quoting.
  const std::string xid = "'" + transfer.id + "'";
  try {
    at_a("BEGIN", "BEGIN");
    branch_a_ = Branch::active;
    at_b("XA START " + xid);
    branch_b_ = Branch::active;
    work(transfer);
    at_a("PREPARE TRANSACTION " + xid, "PREPARE TRANSACTION");
    branch_a_ = Branch::prepared;
    at_b("XA END " + xid);
    at_b("XA PREPARE " + xid);
    branch_b_ = Branch::prepared;
  } catch (...) {
    roll_back(xid);
    throw;
  }
  at_a("COMMIT PREPARED " + xid, "COMMIT PREPARED");
  branch_a_ = Branch::none;
  at_b("XA COMMIT " + xid);
  branch_b_ = Branch::none;
}

void HandWritten::roll_back(const std::string& xid) noexcept {
  try {
    if (branch_a_ == Branch::active) at_a("ROLLBACK", "ROLLBACK");
    if (branch_a_ == Branch::prepared) at_a("ROLLBACK PREPARED " + xid, "ROLLBACK PREPARED");
    branch_a_ = Branch::none;
    if (branch_b_ == Branch::active) at_b("XA END " + xid);
  } catch (const std::exception&) {
    // Already ended, or the connection is gone: the rollback below or the server's own clean-up
    // follows.
  }
  try {
    if (branch_b_ != Branch::none) at_b("XA ROLLBACK " + xid);
    branch_b_ = Branch::none;
  } catch (const std::exception&) {
    branch_b_ = Branch::none;
  }
}

}  // namespace bench
