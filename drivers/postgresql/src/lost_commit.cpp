// Connecting and asking, again and again until the limit.

#include "lost_commit.hpp"

#include <algorithm>
#include <string_view>
#include <thread>

namespace xabridge::postgresql {
namespace {

constexpr std::chrono::milliseconds pause{20};

enum class Answer { committed, aborted, in_progress, no_answer, not_to_be_trusted };

Answer ask(PGconn* connection, const ServerLife& life, const std::string& question,
           Clock::time_point limit) {
  Exchange exchange;
  exchange.send(connection, question.c_str());
  if (exchange.receive(connection, limit) != Wait::ready) return Answer::no_answer;
  const Reply reply = exchange.take();
  if (!reply.whole) return Answer::no_answer;
  if (reply.rows() != 1 || reply.value() == nullptr) return Answer::not_to_be_trusted;
  const PGresult* const row = reply.results.front().get();
  if (!same(ServerLife::read(row, 1), life)) return Answer::not_to_be_trusted;
  const std::string_view status = reply.value();
  if (status == "committed") return Answer::committed;
  if (status == "aborted") return Answer::aborted;
  return status == "in progress" ? Answer::in_progress : Answer::not_to_be_trusted;
}

// Never past the limit, so that the caller's bound holds.
void wait_a_little(Clock::time_point limit) {
  std::this_thread::sleep_until(std::min(Clock::now() + pause, limit));
}

}  // namespace

Fate fate_of(const Options& options, const Endpoint& endpoint, const ServerLife& life,
             const std::string& transaction_id, Clock::time_point limit) {
  const std::string question = "SELECT pg_catalog.txid_status(" + transaction_id +
                               "), " XABRIDGE_SERVER_HISTORY ", " XABRIDGE_SERVER_RUN;
  Connection connection;
  for (; Clock::now() < limit; wait_a_little(limit)) {
    if (connection == nullptr) {
      auto again = options.connect_again(endpoint, limit);
      if (!again) continue;
      connection = *std::move(again);
    }
    switch (ask(connection.get(), life, question, limit)) {
      case Answer::committed:
        return Fate::committed;
      case Answer::aborted:
        return Fate::aborted;
      case Answer::not_to_be_trusted:
        return Fate::unknown;
      case Answer::no_answer:
        connection.reset();
        break;
      case Answer::in_progress:  // the server has not noticed yet that its client is gone
        break;
    }
  }
  return Fate::unknown;
}

}  // namespace xabridge::postgresql
