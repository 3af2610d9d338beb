// bank-transfer: money moves between accounts of bank A (PostgreSQL) and bank B (MySQL or MariaDB),
// each transfer one global transaction. See transfer.cpp for the part an application would have.
#include <functional>
#include <iostream>
#include <string>

#include "../common/ad_hoc.hpp"
#include "../common/direct_connection.hpp"
#include "../common/program.hpp"
#include "ad_hoc.hpp"
#include "audit.hpp"
#include "mysql_bank.hpp"
#include "postgresql_bank.hpp"
#include "transfer.hpp"
#include "workload.hpp"

namespace {

struct Arguments {
  bool ad_hoc = false;
  std::string from;
  std::string to;
  std::string amount;
  std::string account;
  std::string opening_balance = "100000";
  bank::WorkloadOptions workload;
};

int init(const examples::Program& program, const Arguments& arguments) {
  const auto config = program.config();
  const std::int64_t accounts = arguments.workload.accounts;
  const bank::Amount opening = bank::parse_amount(arguments.opening_balance);
  bank::Amount total = 0;
  if (__builtin_mul_overflow(accounts, opening, &total) ||
      __builtin_mul_overflow(total, 2, &total)) {
    throw bank::Refused("that is more money than can be counted");
  }
  bank::postgresql::create_tables(examples::connect_postgresql(config, bank::bank_a), accounts,
                                  opening);
  bank::mysql::create_tables(examples::connect_mysql(config, bank::bank_b), accounts, opening);
  std::cout << accounts << " accounts at each bank, " << opening << " on each\n";
  return examples::ok;
}

/// Gives `use` what opens a teller: one of xabridge's, or the hand-written one with --ad-hoc.
int with_tellers(const examples::Program& program, const Arguments& arguments,
                 const std::function<int(const std::function<bank::Teller()>&)>& use) {
  if (arguments.ad_hoc) {
    const auto steps = program.ad_hoc_steps();
    const auto config = program.config();
    return use([&] { return bank::open_ad_hoc_teller(config, steps.get()); });
  }
  auto session = program.session();
  return use([&]() -> bank::Teller {
    return [&](const bank::Transfer& transfer, bool cancelled) {
      return session.tm().run([&](xabridge::Transaction& tx) {
        bank::book(tx, transfer);
        if (cancelled) bank::refuse_cancelled();
      });
    };
  });
}

int transfer(const examples::Program& program, const Arguments& arguments) {
  const bank::Transfer transfer{bank::new_transfer_id(), bank::parse_account(arguments.from),
                                bank::parse_account(arguments.to),
                                bank::parse_amount(arguments.amount)};
  return with_tellers(program, arguments, [&](const auto& open_teller) {
    return program.print("transfer " + transfer.id, open_teller()(transfer, false));
  });
}

int balance(const examples::Program& program, const Arguments& arguments) {
  auto session = program.session();
  std::cout << bank::balance(session.tm(), bank::parse_account(arguments.account)) << '\n';
  return examples::ok;
}

int run(const examples::Program& program, const Arguments& arguments) {
  return with_tellers(program, arguments, [&](const auto& open_teller) {
    return program.print(bank::run_workload(open_teller, arguments.workload));
  });
}

int check(const examples::Program& program, const Arguments& arguments) {
  const bank::Audit audit = bank::audit(program.config(), arguments.workload.report);
  std::cout << "opening_a " << audit.opening_a << "\nopening_b " << audit.opening_b << "\nmoney_a "
            << audit.money_a << "\nmoney_b " << audit.money_b << "\ntransfers " << audit.transfers
            << '\n';
  if (!arguments.workload.report.empty()) {
    std::cout << "asked " << audit.asked << "\ncommitted " << audit.committed << "\nrolled_back "
              << audit.rolled_back << "\nfinished_by_recovery " << audit.finished_by_recovery
              << "\nrolled_back_by_recovery " << audit.rolled_back_by_recovery << '\n';
  }
  return program.print_faults(audit.faults);
}

void add_run(examples::Program& program, Arguments& arguments) {
  bank::WorkloadOptions& workload = arguments.workload;
  xabridge::cli::Command command =
      program.command("run", "Many clients transfer at once, in both directions",
                      [&] { return run(program, arguments); });
  command.add_option("--clients", workload.clients).range(1, 256);
  command.add_option("--transfers", workload.transfers, "of all clients together")
      .range(1, 100'000'000);
  command.add_option("--seed", workload.seed);
  command.add_option("--accounts", workload.accounts, "at each bank").range(1, 1'000'000);
  command.add_option("--rollbacks", workload.rollback_percent, "percent of customers who cancel")
      .range(0, 100);
  command.add_option("--report", workload.report, "append every answer to this file");
  command.add_flag("--ad-hoc", arguments.ad_hoc, examples::ad_hoc_help);
}

void add_commands(examples::Program& program, Arguments& arguments) {
  xabridge::cli::Command sub = program.command("init", "Drop and create the tables of both banks",
                                               [&] { return init(program, arguments); });
  sub.add_option("--accounts", arguments.workload.accounts, "at each bank").range(1, 1'000'000);
  sub.add_option("--balance", arguments.opening_balance, "of each account, in cents");

  sub = program.command("transfer", "Move AMOUNT cents, e.g. transfer A-1 B-7 2500",
                        [&] { return transfer(program, arguments); });
  sub.add_option("FROM", arguments.from).required();
  sub.add_option("TO", arguments.to).required();
  sub.add_option("AMOUNT", arguments.amount).required();
  sub.add_flag("--ad-hoc", arguments.ad_hoc, examples::ad_hoc_help);

  sub = program.command("balance", "Print the balance of an account",
                        [&] { return balance(program, arguments); });
  sub.add_option("ACCOUNT", arguments.account).required();

  add_run(program, arguments);

  sub = program.command("check", "Compare the books of both banks",
                        [&] { return check(program, arguments); });
  sub.add_option("--report", arguments.workload.report,
                 "and hold this file's answers against them");
}

}  // namespace

int main(int argc, char** argv) {
  examples::Program program(
      "bank-transfer", "Transfers between two banks, one in PostgreSQL, one in MySQL or MariaDB");
  Arguments arguments;
  add_commands(program, arguments);
  return program.run(argc, argv);
}
