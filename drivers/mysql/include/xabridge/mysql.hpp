// The connection of a transaction's branch at MySQL or MariaDB: statements on it, and
// Connector/C++'s sql::Connection.
//
//   auto stock = tx.mysql("stock");
//   stock.execute("UPDATE bins SET pieces = pieces - ? WHERE id = ?", 3, 7);
//   sql::Connection& connection = stock;  // whatever the Connector can do
//
// The connection belongs to xabridge and is the transaction's until commit or rollback; the first
// call for a resource manager enlists it. Afterwards it serves other transactions, maybe in another
// thread:
//  - Let statements, prepared statements and result sets end before the transaction does. A plain
//    statement or a buffered result destroyed later touches nothing. A prepared statement destroyed
//    later sends a message on a connection that may be somebody else's by then: never keep one.
//  - Read every result to its end, also those of CALL. Otherwise the branch is rolled back.
//  - commit(), rollback(), setAutoCommit() and DDL are refused by the server inside a branch;
//    the Connector hides the refusal of the first three. close() and reconnect() lose the branch.
//  - What SET, SET ROLE and USE changed does not reach the next branch: a connection with a setting
//    that differs at the end of a branch is closed. One that SETs in every branch logs in for every
//    branch; put the setting back, or let the account or the server have it.
//  - Locks of GET_LOCK are released when the transaction is completed, just before its work is
//    visible to others: do not guard a transaction by one. Locks on tables are refused in a branch.
//  - User variables, prepared statements, what HANDLER ... OPEN opened and, on MariaDB, temporary
//    tables stay with the connection, and the next transaction meets them: finding them would cost
//    every branch more than the rest of its checks. Close and drop what you make: a temporary table
//    hides the table of its name. MySQL refuses temporary tables in a branch.
//  - Work done on a connection after its transaction belongs to nobody. It is never committed by
//    us; the next transaction that meets it fails to start with XAER_OUTSIDE. It can still be ended
//    then (COMMIT, ROLLBACK); when it is met once more, it is rolled back and the connection is
//    closed.
#pragma once

#include <string_view>
#include <xabridge/mysql_connection.hpp>
#include <xabridge/transaction_manager.hpp>

namespace xabridge {

inline MysqlConnection Transaction::mysql(std::string_view resource_manager) {
  void* const connection = native_connection(resource_manager, "mysql");
  return MysqlConnection(*static_cast<sql::Connection*>(connection), resource_manager);
}

}  // namespace xabridge
