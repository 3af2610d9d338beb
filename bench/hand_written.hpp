// Two-phase commit as one writes it by hand: both connections held, both sides prepared, both
// committed, every answer checked. No log: when the program dies between the first commit and the
// second, nobody knows any more that the other branch must be committed. That is what xabridge is
// measured against.
#pragma once

#include <string>

#include "../examples/bank_transfer/bank.hpp"
#include "../examples/common/direct_connection.hpp"

namespace bench {

/// One client with a connection to each bank. Belongs to one thread.
class HandWritten {
 public:
  HandWritten(const std::string& open_a, const std::string& open_b);

  /// Books the transfer at both banks or at none. Throws what the work or a server said; then it is
  /// rolled back.
  void transfer(const bank::Transfer& transfer);

 private:
  void work(const bank::Transfer& transfer);
  void roll_back(const std::string& xid) noexcept;
  void at_a(const std::string& sql, const char* expected_tag);
  void at_b(const std::string& sql);

  enum class Branch { none, active, prepared };

  examples::PlainPostgresql a_;
  examples::PlainMysql b_;
  std::unique_ptr<sql::Statement> statement_b_;
  Branch branch_a_ = Branch::none;
  Branch branch_b_ = Branch::none;
};

}  // namespace bench
