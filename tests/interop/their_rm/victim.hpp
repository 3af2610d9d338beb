// One transaction of a program that is killed in the middle, or that lists its events:
//
//   PROGRAM CONFIG EVENT ID [ARGUMENT...]       EVENT: "before_commit:2", or "list"
#pragma once

#include <csignal>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>
#include <xabridge/transaction_manager.hpp>

#include "observers.hpp"

namespace foreign {

/// `work(tx, id, arguments)` enlists and writes. Exit code 0: committed.
inline int run_victim(int argc, char** argv,
                      const std::function<void(xabridge::Transaction&, const std::string& id,
                                               const std::vector<std::string>& arguments)>& work) {
  if (argc < 4) return 2;
  const std::string event = argv[2];
  xabridge::Config config = xabridge::Config::load(argv[1]);
  Listing listing;
  std::unique_ptr<At> death;
  if (event == "list") {
    config.observers.push_back(&listing);
  } else {
    death = std::make_unique<At>(event, [] { ::raise(SIGKILL); });
    config.observers.push_back(death.get());
  }
  bool committed = false;
  {
    xabridge::TransactionManager tm(config);
    xabridge::Transaction tx = tm.begin();
    work(tx, argv[3], std::vector<std::string>(argv + 4, argv + argc));
    committed = tx.commit().kind == xabridge::OutcomeKind::committed;
  }
  for (const std::string& seen : listing.events()) std::cout << seen << "\n";
  return committed ? 0 : 1;
}

}  // namespace foreign
