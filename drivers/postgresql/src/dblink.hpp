// Connections that dblink keeps in a session. An application opens them by name or without, they
// outlive its branch, and whoever gets the session next could talk through them as the one who
// opened them.
//
// Where the extension is installed the session's settings are reset with a block that closes them,
// in the message that begins a branch. Where it is, each new session learns, and tells the others.
// (A database without plpgsql has no such block; its sessions keep what dblink has opened.)
#pragma once

#include <mutex>
#include <string>

/// A column for a query: the schema of the extension as SQL writes it; null: there is none.
#define XABRIDGE_DBLINK_SCHEMA                                                  \
  "(SELECT pg_catalog.quote_ident(nspname) FROM pg_catalog.pg_extension,"       \
  " pg_catalog.pg_namespace n WHERE n.oid = extnamespace AND extname = 'dblink'" \
  " AND EXISTS (SELECT FROM pg_catalog.pg_language WHERE lanname = 'plpgsql'))"

namespace xabridge::postgresql {

/// Of one open string's database. Thread-safe.
class Dblink {
 public:
  /// What XABRIDGE_DBLINK_SCHEMA has found.
  void found(std::string schema);
  /// Statements that close all connections, or none.
  [[nodiscard]] std::string disconnect_all() const;

 private:
  mutable std::mutex mutex_;
  std::string schema_;  // guarded by mutex_; empty: not installed
};

}  // namespace xabridge::postgresql
