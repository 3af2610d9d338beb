// Release of a work order, as one global transaction over the ERP database (PostgreSQL) and the
// shop floor's database (MySQL or MariaDB): the part to copy from.
//
//   ERP         bill_of_material, cost_center     master data
//               work_order                        planned, then released
//               material_reservation              what the order takes, from which bin
//               cost_posting                      what it costs; its cost center is checked at the
//               end only
//   shop floor  stock_bin                         what lies where
//               machine_slot                      one order per machine and hour: a unique key
//               production_lot                    one per released order
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>
#include <xabridge/mysql.hpp>
#include <xabridge/postgresql.hpp>

#include "../common/refused.hpp"

namespace manufacturing {

/// The names of the resource managers in the configuration.
inline constexpr auto erp = "erp";
inline constexpr auto shop_floor = "shop_floor";

struct WorkOrder {
  std::int64_t number = 0;
  std::string product;
  std::int64_t quantity = 0;
  std::string machine;
  std::int64_t slot = 0;
  std::string cost_center;
  std::int64_t cost = 0;  // in cents
};

struct Need {
  std::string material;
  std::int64_t quantity = 0;
};

struct Reservation {
  std::string material;
  std::string bin;
  std::int64_t quantity = 0;
};

/// The order cannot be released now: unknown, released already, a shortage, a machine that is
/// taken. Rolled back; trying again at once would not help.
class NotReleased : public examples::Refused {
 public:
  using examples::Refused::Refused;
};

/// Everything the release writes, on both sides, in the transactions of the given connections.
/// Throws NotReleased.
void write_release(const xabridge::PostgresqlConnection& books,
                   const xabridge::MysqlConnection& floor, std::int64_t number);

/// Begins, releases, commits; repeats after a deadlock. A cost center that does not exist is found
/// by PostgreSQL when it prepares: then the outcome is rolled_back. Throws NotReleased, and
/// xabridge::Exception when a database cannot be used.
[[nodiscard]] xabridge::Outcome release(xabridge::TransactionManager& tm, std::int64_t number);

/// How a client has work orders released.
using Foreman = std::function<xabridge::Outcome(std::int64_t number)>;

}  // namespace manufacturing
