// bank-transfer: money moves between accounts of bank A (PostgreSQL) and bank B (MySQL or MariaDB),
// each transfer one global transaction. See transfer.cpp for the part an application would have.
#include <CLI/CLI.hpp>
#include <iomanip>
#include <iostream>
#include <string>
#include <xabridge/transaction_manager.hpp>

#include "../common/direct_connection.hpp"
#include "../common/session.hpp"
#include "audit.hpp"
#include "mysql_bank.hpp"
#include "postgresql_bank.hpp"
#include "transfer.hpp"
#include "workload.hpp"

namespace {

enum ExitCode { ok = 0, failed = 1, refused = 2, not_committed = 3, books_differ = 4 };

struct Arguments {
  std::string config;
  std::string kill_at;
  std::string from;
  std::string to;
  std::string amount;
  std::string account;
  std::string opening_balance = "100000";
  bank::WorkloadOptions workload;
};

int init(const Arguments& arguments) {
  const auto config = xabridge::Config::load(arguments.config).value();
  const std::int64_t accounts = arguments.workload.accounts;
  const bank::Amount opening = bank::parse_amount(arguments.opening_balance);
  bank::Amount total = 0;
  if (__builtin_mul_overflow(accounts, opening, &total) ||
      __builtin_mul_overflow(total, 2, &total)) {
    throw bank::Refused("that is more money than can be counted");
  }
  const auto a = examples::connect_postgresql(examples::open_string_of(config, "postgresql"));
  const auto b = examples::connect_mysql(examples::open_string_of(config, "mysql"));
  bank::postgresql::create_tables(a.get(), accounts, opening);
  bank::mysql::create_tables(*b, accounts, opening);
  std::cout << accounts << " accounts at each bank, " << opening << " on each\n";
  return ok;
}

int transfer(const Arguments& arguments) {
  examples::Session session(arguments.config, arguments.kill_at);
  const bank::Transfer transfer{bank::new_transfer_id(), bank::parse_account(arguments.from),
                                bank::parse_account(arguments.to),
                                bank::parse_amount(arguments.amount)};
  const xabridge::Outcome outcome = bank::transfer(session.tm(), transfer);
  std::cout << "transfer " << transfer.id << ": " << outcome.to_string() << '\n';
  return outcome.committed() ? ok : not_committed;
}

int balance(const Arguments& arguments) {
  examples::Session session(arguments.config, arguments.kill_at);
  std::cout << bank::balance(session.tm(), bank::parse_account(arguments.account)) << '\n';
  return ok;
}

int run(const Arguments& arguments) {
  examples::Session session(arguments.config, arguments.kill_at);
  const bank::WorkloadResult result = bank::run_workload(session.tm(), arguments.workload);
  std::cout << "asked " << result.asked << "\ncommitted " << result.committed << "\npending "
            << result.pending << "\nrolled_back " << result.rolled_back << "\nunclear "
            << result.unclear << "\nretries " << result.retries << "\nper_second " << std::fixed
            << std::setprecision(0) << static_cast<double>(result.committed) / result.seconds
            << '\n';
  if (result.first_error.empty()) return ok;
  std::cerr << "bank-transfer: " << result.first_error << '\n';
  return failed;
}

int recover(const Arguments& arguments) {
  examples::Session session(arguments.config, arguments.kill_at);
  return session.finish_recovery() ? ok : failed;
}

int check(const Arguments& arguments) {
  const auto config = xabridge::Config::load(arguments.config).value();
  const bank::Audit audit = bank::audit(config, arguments.workload.report);
  std::cout << "opening_a " << audit.opening_a << "\nopening_b " << audit.opening_b << "\nmoney_a "
            << audit.money_a << "\nmoney_b " << audit.money_b << "\ntransfers " << audit.transfers
            << '\n';
  if (!arguments.workload.report.empty()) {
    std::cout << "asked " << audit.asked << "\ncommitted " << audit.committed << "\nrolled_back "
              << audit.rolled_back << "\nfinished_by_recovery " << audit.finished_by_recovery
              << "\nrolled_back_by_recovery " << audit.rolled_back_by_recovery << '\n';
  }
  for (const std::string& fault : audit.faults) std::cerr << "bank-transfer: " << fault << '\n';
  return audit.faults.empty() ? ok : books_differ;
}

using Command = int (*)(const Arguments&);

void add_commands(CLI::App& app, Arguments& arguments, Command& chosen) {
  const auto command = [&](const char* name, const char* text, Command function) {
    CLI::App* added = app.add_subcommand(name, text);
    added->callback([&chosen, function] { chosen = function; });
    return added;
  };
  bank::WorkloadOptions& workload = arguments.workload;

  auto* sub = command("init", "Drop and create the tables of both banks", init);
  sub->add_option("--accounts", workload.accounts, "at each bank")->check(CLI::Range(1, 1'000'000));
  sub->add_option("--balance", arguments.opening_balance, "of each account, in cents");

  sub = command("transfer", "Move AMOUNT cents, e.g. transfer A-1 B-7 2500", transfer);
  sub->add_option("FROM", arguments.from)->required();
  sub->add_option("TO", arguments.to)->required();
  sub->add_option("AMOUNT", arguments.amount)->required();

  sub = command("balance", "Print the balance of an account", balance);
  sub->add_option("ACCOUNT", arguments.account)->required();

  sub = command("run", "Many clients transfer at once, in both directions", run);
  sub->add_option("--clients", workload.clients)->check(CLI::Range(1, 256));
  sub->add_option("--transfers", workload.transfers, "of all clients together")
      ->check(CLI::Range(1, 100'000'000));
  sub->add_option("--seed", workload.seed);
  sub->add_option("--accounts", workload.accounts, "at each bank")->check(CLI::Range(1, 1'000'000));
  sub->add_option("--rollbacks", workload.rollback_percent, "percent of customers who cancel")
      ->check(CLI::Range(0, 100));
  sub->add_option("--report", workload.report, "append every answer to this file");

  command("recover", "Finish what a killed program left behind", recover);
  sub = command("check", "Compare the books of both banks", check);
  sub->add_option("--report", workload.report, "and hold this file's answers against them");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Transfers between two banks, one in PostgreSQL, one in MySQL or MariaDB"};
  Arguments arguments;
  Command chosen = nullptr;
  app.add_option("--config", arguments.config, "configuration of the transaction manager")
      ->required();
  app.add_option("--kill-at", arguments.kill_at,
                 "die by SIGKILL at EVENT or EVENT:COUNT, e.g. decided:3");
  app.require_subcommand(1);
  add_commands(app, arguments, chosen);
  app.footer(
      "Exit codes: 0 done, 1 failed, 2 refused by a business rule, 3 not committed, 4 the books "
      "differ.");
  CLI11_PARSE(app, argc, argv);
  try {
    return chosen(arguments);
  } catch (const bank::Refused& refusal) {
    std::cerr << "bank-transfer: " << refusal.what() << '\n';
    return refused;
  } catch (const std::exception& error) {
    std::cerr << "bank-transfer: " << error.what() << '\n';
    return failed;
  }
}
