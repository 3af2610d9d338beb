// logistics: orders are accepted, each acceptance one global transaction over the order book
// (PostgreSQL), the warehouse (MySQL) and the carrier (MariaDB). See accept.cpp for the part an
// application would have.
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "../common/ad_hoc.hpp"
#include "../common/direct_connection.hpp"
#include "../common/program.hpp"
#include "accept.hpp"
#include "ad_hoc.hpp"
#include "carrier.hpp"
#include "order_book.hpp"
#include "reconcile.hpp"
#include "warehouse.hpp"
#include "workload.hpp"

namespace {

namespace lg = logistics;

struct Arguments {
  bool ad_hoc = false;
  std::int64_t customer = 0;
  std::vector<std::string> lines;
  lg::WorkloadOptions workload;
};

int init(const examples::Program& program, const Arguments& arguments) {
  const auto config = program.config();
  const lg::WorkloadOptions& options = arguments.workload;
  lg::order_book_side::create_tables(examples::connect_postgresql(config, lg::order_book),
                                     options.customers);
  lg::warehouse_side::create_tables(examples::connect_mysql(config, lg::warehouse), options.orders);
  lg::carrier_side::create_tables(examples::connect_mysql(config, lg::carrier), options.orders);
  std::cout << options.customers << " customers; stock and vehicles for about " << options.orders
            << " orders\n";
  return examples::ok;
}

/// Gives `use` what opens a desk: one of xabridge's, or the hand-written one with --ad-hoc.
int with_desks(const examples::Program& program, const Arguments& arguments,
               const std::function<int(const std::function<lg::Desk()>&)>& use) {
  if (arguments.ad_hoc) {
    const auto steps = program.ad_hoc_steps();
    const auto config = program.config();
    return use([&] { return lg::open_ad_hoc_desk(config, steps.get()); });
  }
  auto session = program.session();
  return use([&]() -> lg::Desk {
    return [&](const lg::Order& order) { return lg::accept(session.tm(), order); };
  });
}

int order(const examples::Program& program, const Arguments& arguments) {
  const lg::Order order = lg::parse_order(arguments.customer, arguments.lines);
  return with_desks(program, arguments, [&](const auto& open_desk) {
    const lg::Accepted accepted = open_desk()(order);
    return program.print("order " + std::to_string(accepted.number), accepted.outcome);
  });
}

int run(const examples::Program& program, const Arguments& arguments) {
  return with_desks(program, arguments, [&](const auto& open_desk) {
    return program.print(lg::run_workload(open_desk, arguments.workload));
  });
}

int reconcile(const examples::Program& program) {
  const lg::Reconciliation result = lg::reconcile(program.config());
  std::cout << "orders " << result.orders << "\npieces_ordered " << result.pieces_ordered
            << "\npieces_picked " << result.pieces_picked << "\nbookings " << result.bookings
            << "\nweight_ordered " << result.weight_ordered << "\nweight_booked "
            << result.weight_booked << '\n';
  return program.print_faults(result.faults);
}

void add_commands(examples::Program& program, Arguments& arguments) {
  lg::WorkloadOptions& workload = arguments.workload;
  xabridge::cli::Command sub =
      program.command("init", "Drop and create the tables of all three databases",
                      [&] { return init(program, arguments); });
  sub.add_option("--customers", workload.customers).range(1, 1'000'000);
  sub.add_option("--orders", workload.orders, "stock and vehicles for about this many")
      .range(1, 100'000);

  sub = program.command("order", "Accept an order, e.g. order 1 pump:2 pipe:10",
                        [&] { return order(program, arguments); });
  sub.add_option("CUSTOMER", arguments.customer).required();
  sub.add_option("LINE", arguments.lines, "ARTICLE:QUANTITY; there are pipe, pump, tank and valve")
      .required();
  sub.add_flag("--ad-hoc", arguments.ad_hoc, examples::ad_hoc_help);

  sub =
      program.command("run", "Many clients order at once", [&] { return run(program, arguments); });
  sub.add_option("--clients", workload.clients).range(1, 256);
  sub.add_option("--orders", workload.orders, "of all clients together").range(1, 100'000'000);
  sub.add_option("--seed", workload.seed);
  sub.add_option("--customers", workload.customers).range(1, 1'000'000);
  sub.add_flag("--ad-hoc", arguments.ad_hoc, examples::ad_hoc_help);

  program.command("reconcile", "Prove that all three databases agree",
                  [&] { return reconcile(program); });
}

}  // namespace

int main(int argc, char** argv) {
  examples::Program program(
      "logistics", "Orders in PostgreSQL, stock in MySQL, transport in MariaDB: one transaction");
  Arguments arguments;
  add_commands(program, arguments);
  return program.run(argc, argv);
}
