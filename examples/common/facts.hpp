// Facts: what a database says about each of many things, for holding two databases against each
// other by plain reads.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>
#include <xabridge/sql.hpp>

namespace examples {

/// By a name such as "order 7, pump": what is said of it.
using Facts = std::map<std::string, std::string>;
using Faults = std::vector<std::string>;

/// The first column is the name, the second what is said.
[[nodiscard]] Facts facts_in(const xabridge::Rows& rows);

/// The single number a query gives; 0 when it gives no row.
[[nodiscard]] std::int64_t number_in(const xabridge::Rows& rows);

/// Facts and how a sentence ends that states one: "ordered", "picked".
struct Side {
  Facts facts;
  std::string verb;
};

/// Both sides must say the same of the same things; what differs is added to `faults`, such as
/// "order 7, pump: 2 ordered, nothing picked".
void compare(const Side& left, const Side& right, Faults& faults);
/// Each of these is a fault by itself.
void add_faults(const Facts& faulty, Faults& faults);

}  // namespace examples
