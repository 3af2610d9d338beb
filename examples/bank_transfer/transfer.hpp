// A transfer as one global transaction over both banks: the part to copy from.
#pragma once

#include <xabridge/transaction_manager.hpp>

#include "bank.hpp"

namespace bank {

/// The names of the resource managers in the configuration.
inline constexpr auto bank_a = "bank_a";
inline constexpr auto bank_b = "bank_b";

/// Books the transfer in the given transaction. Throws Refused.
void book(xabridge::Transaction& tx, const Transfer& transfer);

/// Begins, books, commits; repeats after a deadlock. Throws Refused, and xabridge::Exception when a
/// database cannot be used: in both cases nothing is booked.
[[nodiscard]] xabridge::Outcome transfer(xabridge::TransactionManager& tm,
                                         const Transfer& transfer);

/// What an account has, read in a transaction of its own. Throws Refused: unknown account.
[[nodiscard]] Amount balance(xabridge::TransactionManager& tm, const Account& account);

}  // namespace bank
