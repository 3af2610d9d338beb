// manufacturing: releases work orders, each release one global transaction over the ERP database
// (PostgreSQL) and the shop floor's database (MySQL or MariaDB). See work_order.cpp for the part an
// application would have.
#include <CLI/CLI.hpp>
#include <atomic>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>
#include <xabridge/transaction_manager.hpp>

#include "../common/direct_connection.hpp"
#include "../common/session.hpp"
#include "erp.hpp"
#include "plan.hpp"
#include "reconcile.hpp"
#include "shop_floor.hpp"
#include "work_order.hpp"

namespace {

namespace mf = manufacturing;

enum ExitCode { ok = 0, failed = 1, refused = 2, not_committed = 3, books_differ = 4 };

struct Arguments {
  std::string config;
  std::string kill_at;
  std::int64_t order = 0;
  std::int64_t orders = 60;
  int clients = 4;
};

int init(const Arguments& arguments) {
  const auto config = xabridge::Config::load(arguments.config).value();
  const auto erp = examples::connect_postgresql(examples::open_string_of(config, "postgresql"));
  const auto floor = examples::connect_mysql(examples::open_string_of(config, "mysql"));
  mf::erp_side::create_tables(erp.get(), mf::make_plan(arguments.orders));
  mf::shop_floor_side::create_tables(*floor, arguments.orders);
  std::cout << arguments.orders << " work orders planned\n";
  return ok;
}

int release(const Arguments& arguments) {
  examples::Session session(arguments.config, arguments.kill_at);
  const xabridge::Outcome outcome = mf::release(session.tm(), arguments.order);
  std::cout << "work order " << arguments.order << ": " << outcome.to_string() << '\n';
  return outcome.committed() ? ok : not_committed;
}

/// Releases every planned order, many at once; each answer is a line.
int run(const Arguments& arguments) {
  examples::Session session(arguments.config, arguments.kill_at);
  const auto erp =
      examples::connect_postgresql(examples::open_string_of(session.config(), "postgresql"));
  const std::vector<std::int64_t> orders = mf::erp_side::planned_orders(erp.get());
  std::atomic<std::size_t> next = 0;
  std::atomic<long> released = 0;
  std::mutex printing;
  const auto say = [&](std::int64_t order, const std::string& answer) {
    const std::scoped_lock lock(printing);
    std::cout << "  work order " << order << ": " << answer << std::endl;
  };
  const auto client = [&] {
    for (std::size_t i = next++; i < orders.size(); i = next++) {
      try {
        const xabridge::Outcome outcome = mf::release(session.tm(), orders[i]);
        if (outcome.committed()) ++released;
        if (outcome.kind != xabridge::OutcomeKind::committed) say(orders[i], outcome.to_string());
      } catch (const std::exception& error) {
        say(orders[i], std::string("rolled back: ") + error.what());
      }
    }
  };
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < arguments.clients; ++i) clients.emplace_back(client);
  }
  std::cout << "asked " << orders.size() << "\nreleased " << released << "\nnot_released "
            << static_cast<long>(orders.size()) - released << '\n';
  return ok;
}

int recover(const Arguments& arguments) {
  examples::Session session(arguments.config, arguments.kill_at);
  return session.finish_recovery() ? ok : failed;
}

int reconcile(const Arguments& arguments) {
  const mf::Reconciliation result = mf::reconcile(xabridge::Config::load(arguments.config).value());
  std::cout << "planned " << result.planned << "\nreleased " << result.released << "\nreservations "
            << result.reservations << "\ncost_postings " << result.cost_postings << "\nslots "
            << result.slots << "\nlots " << result.lots << '\n';
  for (const std::string& fault : result.faults) std::cerr << "manufacturing: " << fault << '\n';
  return result.faults.empty() ? ok : books_differ;
}

using Command = int (*)(const Arguments&);

void add_commands(CLI::App& app, Arguments& arguments, Command& chosen) {
  const auto command = [&](const char* name, const char* text, Command function) {
    CLI::App* added = app.add_subcommand(name, text);
    added->callback([&chosen, function] { chosen = function; });
    return added;
  };
  command("init", "Drop and create the tables of both databases", init)
      ->add_option("--orders", arguments.orders, "how many to plan")
      ->check(CLI::Range(1, 100'000));
  command("release", "Release one work order", release)
      ->add_option("ORDER", arguments.order)
      ->required();
  command("run", "Release every planned work order, many at once", run)
      ->add_option("--clients", arguments.clients)
      ->check(CLI::Range(1, 256));
  command("recover", "Finish what a killed program left behind", recover);
  command("reconcile", "Prove that both databases agree", reconcile);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Work orders, in PostgreSQL, for machines and stock in MySQL or MariaDB"};
  Arguments arguments;
  Command chosen = nullptr;
  app.add_option("--config", arguments.config, "configuration of the transaction manager")
      ->required();
  app.add_option("--kill-at", arguments.kill_at,
                 "die by SIGKILL at EVENT or EVENT:COUNT, e.g. decided:3");
  app.require_subcommand(1);
  add_commands(app, arguments, chosen);
  app.footer(
      "Exit codes: 0 done, 1 failed, 2 not released by a business rule, 3 not committed, 4 the "
      "databases differ.");
  CLI11_PARSE(app, argc, argv);
  try {
    return chosen(arguments);
  } catch (const mf::NotReleased& refusal) {
    std::cerr << "manufacturing: " << refusal.what() << '\n';
    return refused;
  } catch (const std::exception& error) {
    std::cerr << "manufacturing: " << error.what() << '\n';
    return failed;
  }
}
