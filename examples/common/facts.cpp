// Comparing databases; see the header.
#include "facts.hpp"

#include "postgresql_query.hpp"

namespace examples {

Facts facts_in(PGconn* connection, const char* sql) {
  Facts facts;
  const auto rows = postgresql::execute(connection, sql);
  for (int row = 0; row < rows.count(); ++row) facts[rows.text(row, 0)] = rows.text(row, 1);
  return facts;
}

Facts facts_in(sql::Connection& connection, const char* sql) {
  Facts facts;
  auto rows = mysql::query(connection, sql);
  while (rows.next()) facts[rows.text(1)] = rows.text(2);
  return facts;
}

std::int64_t number_in(PGconn* connection, const char* sql) {
  const auto rows = postgresql::execute(connection, sql);
  return rows.count() > 0 ? rows.number(0, 0) : 0;
}

std::int64_t number_in(sql::Connection& connection, const char* sql) {
  auto rows = mysql::query(connection, sql);
  return rows.next() ? rows.number(1) : 0;
}

void compare(const Side& left, const Side& right, Faults& faults) {
  for (const auto& [name, said] : left.facts) {
    const auto other = right.facts.find(name);
    const std::string found = other == right.facts.end() ? "nothing" : other->second;
    if (found == said) continue;
    faults.push_back(name + ": " + said + " " + left.verb + ", " + found + " " + right.verb);
  }
  for (const auto& [name, said] : right.facts) {
    if (left.facts.contains(name)) continue;
    faults.push_back(name + ": " + said + " " + right.verb + ", nothing " + left.verb);
  }
}

void add_faults(const Facts& faulty, Faults& faults) {
  for (const auto& [name, said] : faulty) faults.push_back(name + ": " + said);
}

}  // namespace examples
