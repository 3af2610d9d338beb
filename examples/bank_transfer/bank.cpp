// Accounts, amounts and their rules; see the header.
#include "bank.hpp"

#include <charconv>
#include <cstdio>
#include <limits>
#include <random>

namespace bank {
namespace {

constexpr Amount maximum = std::numeric_limits<Amount>::max();

/// The whole text as a number above zero, or 0.
std::int64_t positive_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0 ? number : 0;
}

}  // namespace

Account parse_account(std::string_view text) {
  if (text.starts_with("A-") || text.starts_with("B-")) {
    const Account account{text[0] == 'A' ? Bank::a : Bank::b, positive_number(text.substr(2))};
    if (account.number != 0) return account;
  }
  throw Refused("'" + std::string(text) + "' is no account; accounts look like A-17 or B-4");
}

Amount parse_amount(std::string_view text) {
  const Amount amount = positive_number(text);
  if (amount == 0) {
    throw Refused("'" + std::string(text) + "' is no amount: a whole number of cents from 1 to " +
                  std::to_string(maximum) + " is expected");
  }
  return amount;
}

std::string to_string(const Account& account) {
  return (account.bank == Bank::a ? "A-" : "B-") + std::to_string(account.number);
}

std::string new_transfer_id() {
  thread_local std::random_device device;
  std::array<char, 33> text{};
  std::snprintf(text.data(), text.size(), "%08x%08x%08x%08x", device(), device(), device(),
                device());
  return text.data();
}

std::array<Entry, 2> entries_of(const Transfer& transfer) {
  if (transfer.amount <= 0) throw Refused("the amount must be above zero");
  if (transfer.from == transfer.to) {
    throw Refused("account " + to_string(transfer.from) + " cannot pay itself");
  }
  const Entry debit{transfer.from, -transfer.amount};
  const Entry credit{transfer.to, transfer.amount};
  if (debit.account < credit.account) return {debit, credit};
  return {credit, debit};
}

Bounds bounds_for(Amount change) {
  return change < 0 ? Bounds{-change, maximum} : Bounds{0, maximum - change};
}

void refuse_change(const Entry& entry, Amount balance) {
  const std::string name = to_string(entry.account);
  if (entry.change < 0) {
    throw Refused("insufficient funds: account " + name + " has " + std::to_string(balance) + ", " +
                  std::to_string(-entry.change) + " are needed");
  }
  throw Refused("account " + name + " would exceed the largest balance there is");
}

void refuse_unknown(const Account& account) {
  throw Refused("unknown account " + to_string(account));
}

void refuse_cancelled() { throw Refused("the customer changed their mind"); }

}  // namespace bank
