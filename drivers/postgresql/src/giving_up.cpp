// Giving a session up: because its answer did not come in time, or cannot come any more.
//
// libpq goes on calling such a connection usable, and would wait. Nothing is asked of it again: a
// later answer would be taken for that of a later question. Closing it is what ends the work of an
// unprepared branch at the server, once the server is able to notice.

#include "giving_up.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "options.hpp"
#include "session.hpp"

namespace xabridge::postgresql {
namespace {

// For what a server answers from its memory. Transaction managers that give no deadline wait as
// long as this for everything that is no work and no decision.
constexpr std::chrono::seconds longest_question{30};

}  // namespace

bool answered_from_memory(rm::Request request) noexcept {
  switch (request) {
    case rm::Request::begin:
    case rm::Request::rollback:
      return true;
    case rm::Request::end:
    case rm::Request::resume:
    case rm::Request::prepare:           // may wait for deferred constraints,
    case rm::Request::commit_one_phase:  // for a disk
    case rm::Request::commit_prepared:   // and for a synchronous standby
    case rm::Request::rollback_prepared:
      return false;
  }
  return false;
}

Clock::time_point question_limit() noexcept {
  return std::min(rm::call_deadline(), Clock::now() + longest_question);
}

// Within a call its own limit: with TMASYNC another thread's deadline would be asked for later.
Clock::time_point Session::limit() const noexcept {
  return call_ ? std::min(call_->limit, Clock::now() + longest_question) : question_limit();
}

// PQfinish says goodbye to the server, and waits where the socket takes no more.
void finish(PGconn* connection) noexcept {
  const int socket = PQsocket(connection);
  if (socket >= 0 && wait_for_socket(connection, POLLOUT, Clock::now()) != Wait::ready)
    shutdown(socket, SHUT_RDWR);
  PQfinish(connection);
}

void Session::give_up(Wait why) noexcept {
  reuse_ = false;
  if (given_up_ == Wait::ready) given_up_ = why;
}

// What the server has said on its own, such as that it ends the session, is taken in: so a loss is
// known before anything is sent whose fate would then be unknown.
bool Session::still_connected() noexcept {
  if (given_up_ != Wait::ready) return false;
  const bool read = PQconsumeInput(connection_.get()) != 0;
  const bool busy = PQisBusy(connection_.get()) != 0;  // hears what was read
  if (!read || busy) give_up(Wait::failed);
  return connected();
}

// The rest of a reply that was not received would be the application's to the observer, and the
// next question's to the driver.
void Session::give_up_if_outstanding() noexcept {
  if (exchange_.outstanding()) give_up(Wait::failed);
}

// What the application left unread; never the driver's own: a session with a call of the driver
// outstanding is given up.
Rest Session::come_to_rest() noexcept {
  if (given_up_ != Wait::ready) return Rest::lost;
  const Rest rest = drain(connection_.get(), cancel_, limit());
  if (rest == Rest::lost) give_up(Clock::now() < limit() ? Wait::failed : Wait::late);
  return rest;
}

std::string Session::loss(bool outcome_known) const {
  std::string text;
  if (given_up_ == Wait::late) {
    const Endpoint place = Endpoint::of(connection_.get());
    text = "PostgreSQL at " + (place.host.empty() ? place.address : place.host) + ":" + place.port +
           " did not answer in time";
    if (call_) {
      const auto waited =
          std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - call_->since);
      text += " (" + std::to_string(waited.count()) + " ms)";
    }
    text += ", and the connection is given up";
    if (!outcome_known) text += ": the server may do it yet, or have done it";
  } else {
    text = outcome_known ? "the connection to PostgreSQL is lost"
                         : "the connection to PostgreSQL was lost before the answer came: the "
                           "server may or may not have done it";
  }
  return text;
}

}  // namespace xabridge::postgresql
