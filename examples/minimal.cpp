// A transfer from PostgreSQL to MySQL or MariaDB: both or neither, whatever dies in between.
//
// usage: minimal CONFIGURATION
#include <iostream>
#include <stdexcept>
#include <xabridge/mysql.hpp>
#include <xabridge/postgresql.hpp>

int main(int argc, char** argv) try {
  if (argc != 2) throw std::runtime_error("say which configuration file to use");
  xabridge::TransactionManager tm(xabridge::Config::load(argv[1]));

  const xabridge::Outcome outcome = tm.run([](xabridge::Transaction& tx) {
    const auto debited = tx.postgresql("bank_a").execute(
        "UPDATE account SET balance = balance - $1 WHERE number = $2 AND balance >= $1", 2500, 1);
    if (debited != 1) throw std::runtime_error("insufficient funds");
    const auto credited = tx.mysql("bank_b").execute(
        "UPDATE account SET balance = balance + ? WHERE number = ?", 2500, 1);
    if (credited != 1) throw std::runtime_error("no such account");
  });

  std::cout << outcome.to_string() << '\n';
  return outcome.committed() ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << "nothing was booked: " << error.what() << '\n';
  return 1;
}
