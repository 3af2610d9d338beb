// Comparing databases; see the header.
#include "facts.hpp"

namespace examples {

Facts facts_in(const xabridge::Rows& rows) {
  Facts facts;
  for (const xabridge::Row& row : rows) facts[row.get<std::string>(0)] = row.get<std::string>(1);
  return facts;
}

std::int64_t number_in(const xabridge::Rows& rows) {
  return rows.empty() ? 0 : rows[0].get<std::int64_t>(0);
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
