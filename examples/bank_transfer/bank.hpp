// The words of the bank: accounts at bank A (PostgreSQL) and bank B (MySQL or MariaDB), transfers
// between them, and why a transfer may be refused. Amounts are whole numbers of minor units
// (cents): no rounding anywhere.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "../common/refused.hpp"

namespace bank {

using Amount = std::int64_t;

enum class Bank { a, b };

struct Account {
  Bank bank = Bank::a;
  std::int64_t number = 0;
  friend auto operator<=>(const Account&, const Account&) = default;
};

struct Transfer {
  std::string id;  // unique for ever; the row both banks write carries it
  Account from;
  Account to;
  Amount amount = 0;
};

/// One side of a transfer: what happens to one account.
struct Entry {
  Account account;
  Amount change = 0;
};

using examples::Refused;

/// "A-17"; throws Refused.
[[nodiscard]] Account parse_account(std::string_view text);
/// Whole minor units, above zero; throws Refused.
[[nodiscard]] Amount parse_amount(std::string_view text);
[[nodiscard]] std::string to_string(const Account& account);
/// 128 random bits in hex.
[[nodiscard]] std::string new_transfer_id();

/// The two entries of a transfer, in the order in which every transfer locks accounts: bank A
/// before bank B, lower numbers first. Throws Refused for an amount that is not above zero and for
/// one account on both sides.
[[nodiscard]] std::array<Entry, 2> entries_of(const Transfer& transfer);

/// The balances an account may have before the change so that it is neither overdrawn nor overflows
/// after it.
struct Bounds {
  Amount lowest = 0;
  Amount highest = 0;
};
[[nodiscard]] Bounds bounds_for(Amount change);

/// Why a change did not fit: for the bank's message.
[[noreturn]] void refuse_change(const Entry& entry, Amount balance);
[[noreturn]] void refuse_unknown(const Account& account);
/// The customer changed their mind after the booking, before the commit.
[[noreturn]] void refuse_cancelled();

}  // namespace bank
