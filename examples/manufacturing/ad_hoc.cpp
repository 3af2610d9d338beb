// Two local commits, one after the other; see the header.
#include "ad_hoc.hpp"

#include <memory>

#include "../common/ad_hoc.hpp"
#include "../common/direct_connection.hpp"
#include "erp.hpp"

namespace manufacturing {
namespace {

struct Connections {
  examples::PlainPostgresql erp;
  examples::PlainMysql floor;
};

/// PostgreSQL first: its COMMIT may still refuse a cost center.
void release_ad_hoc(const Connections& connections, std::int64_t number,
                    xabridge::Observer* steps) {
  const xabridge::PostgresqlConnection& books = connections.erp;
  const xabridge::MysqlConnection& floor = connections.floor;
  examples::AdHoc work(steps);
  work.begin(erp, books, [&] { erp_side::plan_again(books, number); });
  work.begin(shop_floor, floor);
  write_release(books, floor, number);
  work.commit();
}

}  // namespace

Foreman open_ad_hoc_foreman(const xabridge::Config& config, xabridge::Observer* steps) {
  const auto connections = std::make_shared<Connections>(Connections{
      examples::connect_postgresql(config, erp), examples::connect_mysql(config, shop_floor)});
  return [connections, steps](std::int64_t number) {
    examples::repeat_after_deadlock([&] { release_ad_hoc(*connections, number, steps); });
    xabridge::Outcome outcome;
    outcome.kind = xabridge::OutcomeKind::committed;
    return outcome;
  };
}

}  // namespace manufacturing
