// manufacturing: releases work orders, each release one global transaction over the ERP database
// (PostgreSQL) and the shop floor's database (MySQL or MariaDB). See work_order.cpp for the part an
// application would have.
#include <iostream>
#include <string>
#include <vector>

#include "../common/clients.hpp"
#include "../common/direct_connection.hpp"
#include "../common/program.hpp"
#include "erp.hpp"
#include "plan.hpp"
#include "reconcile.hpp"
#include "shop_floor.hpp"
#include "work_order.hpp"

namespace {

namespace mf = manufacturing;

struct Arguments {
  std::int64_t order = 0;
  std::int64_t orders = 60;
  int clients = 4;
};

int init(const examples::Program& program, const Arguments& arguments) {
  const auto config = program.config();
  mf::erp_side::create_tables(examples::connect_postgresql(config, mf::erp).get(),
                              mf::make_plan(arguments.orders));
  mf::shop_floor_side::create_tables(*examples::connect_mysql(config, mf::shop_floor),
                                     arguments.orders);
  std::cout << arguments.orders << " work orders planned\n";
  return examples::ok;
}

std::string name_of(std::int64_t order) { return "work order " + std::to_string(order); }

int release(const examples::Program& program, const Arguments& arguments) {
  auto session = program.session();
  return program.print(name_of(arguments.order), mf::release(session.tm(), arguments.order));
}

/// Releases every planned order, many at once; each answer but "committed" is a line.
int run(const examples::Program& program, const Arguments& arguments) {
  auto session = program.session();
  const std::vector<std::int64_t> orders =
      mf::erp_side::planned_orders(examples::connect_postgresql(session.config(), mf::erp).get());
  const auto client = [&](int, examples::Items& items, examples::Tally& tally) {
    while (const auto i = items.next()) {
      const std::int64_t order = orders[static_cast<std::size_t>(*i)];
      tally.count(name_of(order), [&] { return mf::release(session.tm(), order); });
    }
  };
  const auto count = static_cast<long>(orders.size());
  return program.print(examples::run_clients(arguments.clients, count, client));
}

int reconcile(const examples::Program& program) {
  const mf::Reconciliation result = mf::reconcile(program.config());
  std::cout << "planned " << result.planned << "\nreleased " << result.released << "\nreservations "
            << result.reservations << "\ncost_postings " << result.cost_postings << "\nslots "
            << result.slots << "\nlots " << result.lots << '\n';
  return program.print_faults(result.faults);
}

}  // namespace

int main(int argc, char** argv) {
  examples::Program program(
      "manufacturing", "Work orders, in PostgreSQL, for machines and stock in MySQL or MariaDB");
  Arguments arguments;
  program
      .command("init", "Drop and create the tables of both databases",
               [&] { return init(program, arguments); })
      .add_option("--orders", arguments.orders, "how many to plan")
      ->check(CLI::Range(1, 100'000));
  program.command("release", "Release one work order", [&] { return release(program, arguments); })
      .add_option("ORDER", arguments.order)
      ->required();
  program
      .command("run", "Release every planned work order, many at once",
               [&] { return run(program, arguments); })
      .add_option("--clients", arguments.clients)
      ->check(CLI::Range(1, 256));
  program.command("reconcile", "Prove that both databases agree",
                  [&] { return reconcile(program); });
  return program.run(argc, argv);
}
