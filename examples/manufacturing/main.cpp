// manufacturing: releases work orders, each release one global transaction over the ERP database
// (PostgreSQL) and the shop floor's database (MySQL or MariaDB). See work_order.cpp for the part an
// application would have.
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "../common/ad_hoc.hpp"
#include "../common/clients.hpp"
#include "../common/direct_connection.hpp"
#include "../common/program.hpp"
#include "ad_hoc.hpp"
#include "erp.hpp"
#include "plan.hpp"
#include "reconcile.hpp"
#include "shop_floor.hpp"
#include "work_order.hpp"

namespace {

namespace mf = manufacturing;

struct Arguments {
  bool ad_hoc = false;
  std::int64_t order = 0;
  std::int64_t orders = 60;
  int clients = 4;
};

int init(const examples::Program& program, const Arguments& arguments) {
  const auto config = program.config();
  mf::erp_side::create_tables(examples::connect_postgresql(config, mf::erp),
                              mf::make_plan(arguments.orders));
  mf::shop_floor_side::create_tables(examples::connect_mysql(config, mf::shop_floor),
                                     arguments.orders);
  std::cout << arguments.orders << " work orders planned\n";
  return examples::ok;
}

std::string name_of(std::int64_t order) { return "work order " + std::to_string(order); }

/// Gives `use` what opens a foreman: one of xabridge's, or the hand-written one with --ad-hoc.
int with_foremen(const examples::Program& program, const Arguments& arguments,
                 const std::function<int(const std::function<mf::Foreman()>&)>& use) {
  if (arguments.ad_hoc) {
    const auto steps = program.ad_hoc_steps();
    const auto config = program.config();
    return use([&] { return mf::open_ad_hoc_foreman(config, steps.get()); });
  }
  auto session = program.session();
  return use([&]() -> mf::Foreman {
    return [&](std::int64_t number) { return mf::release(session.tm(), number); };
  });
}

int release(const examples::Program& program, const Arguments& arguments) {
  return with_foremen(program, arguments, [&](const auto& open_foreman) {
    return program.print(name_of(arguments.order), open_foreman()(arguments.order));
  });
}

/// Releases every planned order, many at once; each answer but "committed" is a line.
int run(const examples::Program& program, const Arguments& arguments) {
  return with_foremen(program, arguments, [&](const auto& open_foreman) {
    const std::vector<std::int64_t> orders =
        mf::erp_side::planned_orders(examples::connect_postgresql(program.config(), mf::erp));
    const auto client = [&](int, examples::Items& items, examples::Tally& tally) {
      const mf::Foreman foreman = open_foreman();
      while (const auto i = items.next()) {
        const std::int64_t order = orders[static_cast<std::size_t>(*i)];
        tally.count(name_of(order), [&] { return foreman(order); });
      }
    };
    const auto count = static_cast<long>(orders.size());
    return program.print(examples::run_clients(arguments.clients, count, client));
  });
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
  xabridge::cli::Command sub =
      program.command("init", "Drop and create the tables of both databases",
                      [&] { return init(program, arguments); });
  sub.add_option("--orders", arguments.orders, "how many to plan").range(1, 100'000);
  sub = program.command("release", "Release one work order",
                        [&] { return release(program, arguments); });
  sub.add_option("ORDER", arguments.order).required();
  sub.add_flag("--ad-hoc", arguments.ad_hoc, examples::ad_hoc_help);
  sub = program.command("run", "Release every planned work order, many at once",
                        [&] { return run(program, arguments); });
  sub.add_option("--clients", arguments.clients).range(1, 256);
  sub.add_flag("--ad-hoc", arguments.ad_hoc, examples::ad_hoc_help);
  program.command("reconcile", "Prove that both databases agree",
                  [&] { return reconcile(program); });
  return program.run(argc, argv);
}
