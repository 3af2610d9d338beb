// order-to-cash: sales of what stands in the shop together with what the supplier sends, each sale
// one global transaction over the shop's database (PostgreSQL) and the supplier's (MySQL or
// MariaDB). See sale.cpp for the part an application would have.
#include <functional>
#include <iostream>
#include <string>

#include "../common/ad_hoc.hpp"
#include "../common/direct_connection.hpp"
#include "../common/program.hpp"
#include "ad_hoc.hpp"
#include "reconcile.hpp"
#include "sale.hpp"
#include "shop.hpp"
#include "supplier.hpp"
#include "workload.hpp"

namespace {

namespace oc = order_to_cash;

struct Arguments {
  bool ad_hoc = false;
  std::int64_t money = 2'500'000;
  std::int64_t stock = 100;
  oc::Order order{0, "", 1};
  oc::WorkloadOptions workload;
};

int init(const examples::Program& program, const Arguments& arguments) {
  const auto config = program.config();
  oc::shop_side::create_tables(examples::connect_postgresql(config, oc::shop),
                               arguments.workload.buyers, arguments.money, arguments.stock);
  oc::supplier_side::create_tables(examples::connect_mysql(config, oc::supplier), arguments.stock);
  std::cout << arguments.workload.buyers << " buyers with " << arguments.money << " cents each; "
            << arguments.stock << " of each article in the shop and at the supplier\n";
  return examples::ok;
}

/// Gives `use` what opens a till: one of xabridge's, or the hand-written one with --ad-hoc.
int with_tills(const examples::Program& program, const Arguments& arguments,
               const std::function<int(const std::function<oc::Till()>&)>& use) {
  if (arguments.ad_hoc) {
    const auto steps = program.ad_hoc_steps();
    const auto config = program.config();
    return use([&] { return oc::open_ad_hoc_till(config, steps.get()); });
  }
  auto session = program.session();
  return use([&]() -> oc::Till {
    return [&](const oc::Order& order) { return oc::sell(session.tm(), order); };
  });
}

int sell(const examples::Program& program, const Arguments& arguments) {
  return with_tills(program, arguments, [&](const auto& open_till) {
    const oc::Sold sold = open_till()(arguments.order);
    return program.print("sale " + std::to_string(sold.sale.number) + ", " +
                             std::to_string(sold.sale.paid) + " cents",
                         sold.outcome);
  });
}

int run(const examples::Program& program, const Arguments& arguments) {
  return with_tills(program, arguments, [&](const auto& open_till) {
    return program.print(oc::run_workload(open_till, arguments.workload));
  });
}

int reconcile(const examples::Program& program) {
  const oc::Reconciliation result = oc::reconcile(program.config());
  std::cout << "sales " << result.sales << "\nshipments " << result.shipments << "\npaid_by_buyers "
            << result.paid_by_buyers << "\nkept_by_shop " << result.kept_by_shop
            << "\ngot_by_supplier " << result.got_by_supplier << '\n';
  return program.print_faults(result.faults);
}

void add_commands(examples::Program& program, Arguments& arguments) {
  oc::WorkloadOptions& workload = arguments.workload;
  xabridge::cli::Command sub =
      program.command("init", "Drop and create the tables of shop and supplier",
                      [&] { return init(program, arguments); });
  sub.add_option("--buyers", workload.buyers).range(1, 1'000'000);
  sub.add_option("--money", arguments.money, "of each buyer, in cents").range(0, 1'000'000'000);
  sub.add_option("--stock", arguments.stock, "of each article").range(0, 1'000'000);

  sub = program.command("sell", "Sell an offer, e.g. sell 1 commuter",
                        [&] { return sell(program, arguments); });
  sub.add_option("BUYER", arguments.order.buyer).required();
  sub.add_option("OFFER", arguments.order.offer, "commuter, family or tourer").required();
  sub.add_option("--quantity", arguments.order.quantity).range(1, 1'000'000);
  sub.add_flag("--ad-hoc", arguments.ad_hoc, examples::ad_hoc_help);

  sub = program.command("run", "Many clients buy at once", [&] { return run(program, arguments); });
  sub.add_option("--clients", workload.clients).range(1, 256);
  sub.add_option("--sales", workload.sales, "of all clients together").range(1, 100'000'000);
  sub.add_option("--seed", workload.seed);
  sub.add_option("--buyers", workload.buyers).range(1, 1'000'000);
  sub.add_flag("--ad-hoc", arguments.ad_hoc, examples::ad_hoc_help);

  program.command("reconcile", "Prove that shop and supplier agree",
                  [&] { return reconcile(program); });
}

}  // namespace

int main(int argc, char** argv) {
  examples::Program program("order-to-cash",
                            "Sales of a shop in PostgreSQL whose supplier is in MySQL or MariaDB");
  Arguments arguments;
  add_commands(program, arguments);
  return program.run(argc, argv);
}
