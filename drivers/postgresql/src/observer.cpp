// How libpq's events become facts about the branch.

#include "observer.hpp"

#include <libpq-events.h>

#include <algorithm>
#include <array>

namespace xabridge::postgresql {
namespace {

// No exception may cross libpq, which is C. Only keeping a text can fail for want of memory; the
// facts themselves are flags.
int on_event(PGEventId id, void* info, void* passed) noexcept {
  auto* const observer = static_cast<Observer*>(passed);
  try {
    if (id == PGEVT_RESULTCREATE) observer->saw(static_cast<PGEventResultCreate*>(info)->result);
    if (id == PGEVT_CONNRESET) observer->saw_reset();
    if (id == PGEVT_CONNDESTROY) observer->saw_finish();
  } catch (...) {
  }
  return 1;
}

// Replaces libpq's default, which writes notices to the application's standard error.
void on_notice(void* observer, const PGresult* notice) noexcept {
  try {
    static_cast<Observer*>(observer)->saw_notice(notice);
  } catch (...) {  // only the text of a farewell is lost
  }
}

// Command tags that say nothing of the database was changed, or that the server will tell when
// asked. Everything else counts as a write; a tag missing here costs nothing but the short cut.
// Not here on purpose: NOTIFY and LISTEN, which PREPARE TRANSACTION has to refuse, and LOCK TABLE,
// whose lock has to last until the transaction is over.
constexpr std::array<std::string_view, 17> harmless_tags{"",
                                                         "SELECT",
                                                         "SHOW",
                                                         "FETCH",
                                                         "MOVE",
                                                         "EXPLAIN",
                                                         "DECLARE CURSOR",
                                                         "CLOSE CURSOR",
                                                         "CLOSE CURSOR ALL",
                                                         "SAVEPOINT",
                                                         "RELEASE",
                                                         "ROLLBACK",
                                                         "SET",
                                                         "RESET",
                                                         "SET CONSTRAINTS",
                                                         "PREPARE",
                                                         "DEALLOCATE"};

constexpr Oid void_type = 2278;  // of pg_notify, which SELECT executes but PREPARE would refuse

// "SELECT 5" is a SELECT.
std::string_view command_of(std::string_view tag) noexcept {
  const std::size_t count = tag.find_first_of("0123456789");
  return count == std::string_view::npos ? tag : tag.substr(0, count == 0 ? 0 : count - 1);
}

}  // namespace

bool Observer::watch(Connection& connection) noexcept {
  connection_ = &connection;
  hear_notices(connection.get());
  return PQregisterEventProc(connection.get(), on_event, "xabridge", this) != 0;
}

void Observer::stop() noexcept { connection_ = nullptr; }

void Observer::hear_notices(PGconn* connection) noexcept {
  PQsetNoticeReceiver(connection, on_notice, this);
}

void Observer::branch_begins() {
  failure_ = {};
  committed_ = prepared_ = rolled_back_ = split_ = wrote_ = locked_ = linked_ = listened_ =
      unreplicated_ = refused_as_read_only_ = false;
}

void Observer::saw(PGresult* result) {
  if (paused_ > 0) return;
  switch (PQresultStatus(result)) {
    case PGRES_FATAL_ERROR:
      return saw_failure(result);
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
      saw_effect(result);
      return saw_tag(PQcmdStatus(result));
    default:
      return;
  }
}

// The new server session has none of our settings and nothing of the branch.
void Observer::saw_reset() { farewell_ = {{}, "the application called PQreset on the connection"}; }

// libpq frees the connection next. Letting go of it makes every later call fail as on a lost one,
// which libpq answers for null as well.
void Observer::saw_finish() {
  if (connection_ == nullptr) return;
  static_cast<void>(connection_->release());
  farewell_ = {{}, "the application called PQfinish on the connection"};
}

void Observer::saw_failure(const PGresult* result) {
  std::string sqlstate = field(result, PG_DIAG_SQLSTATE);
  if (sqlstate == read_only_refusal) refused_as_read_only_ = true;
  if (sqlstate == "25P02" && !failure_.sqlstate.empty()) return;
  failure_ = {std::move(sqlstate), field(result, PG_DIAG_MESSAGE_PRIMARY)};
}

void Observer::saw_tag(std::string_view tag) {
  if (tag == "ROLLBACK") {  // the failure that led to it stays known
    rolled_back_ = true;
    if (committed_) split_ = true;
    return;
  }
  failure_ = {};
  if (tag == "COMMIT") {
    committed_ = true;
    if (rolled_back_) split_ = true;
  } else if (tag == "PREPARE TRANSACTION") {
    prepared_ = true;
  } else if (tag == "BEGIN" || tag == "START TRANSACTION") {
    if (committed_) split_ = true;  // its work cannot become part of the branch any more
  }
}

void Observer::saw_effect(PGresult* result) {
  const std::string_view command = command_of(PQcmdStatus(result));
  if (command == "LISTEN") listened_ = true;
  if (std::find(harmless_tags.begin(), harmless_tags.end(), command) == harmless_tags.end())
    wrote_ = true;
  for (int column = 0; column < PQnfields(result); ++column) {
    if (PQftype(result, column) == void_type) wrote_ = true;
    const std::string_view name = PQfname(result, column);
    // pg_advisory_lock, pg_try_advisory_lock, and each with _shared.
    if (name.find("advisory_lock") != std::string_view::npos) locked_ = true;
    if (name.starts_with("dblink_connect")) linked_ = true;
  }
}

void Observer::saw_notice(const PGresult* notice) {
  // Only a word about where the server says it tells this warning from others in every language.
  if (field(notice, PG_DIAG_SOURCE_FUNCTION) == "SyncRepWaitForLSN") unreplicated_ = true;
  // A shutdown or crash of the server is announced as a mere warning of class 57P.
  std::string sqlstate = field(notice, PG_DIAG_SQLSTATE);
  if (field(notice, PG_DIAG_SEVERITY_NONLOCALIZED) == "FATAL" || sqlstate.starts_with("57P"))
    farewell_ = {std::move(sqlstate), field(notice, PG_DIAG_MESSAGE_PRIMARY)};
}

}  // namespace xabridge::postgresql
