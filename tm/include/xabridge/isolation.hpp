// Isolation: how much a branch sees of other transactions.
#pragma once

namespace xabridge {

/// What a branch sees of transactions that run at the same time, as SQL names it. What each server
/// makes of a name differs: MySQL's and MariaDB's default is repeatable_read, PostgreSQL's
/// read_committed; PostgreSQL takes read_uncommitted for read_committed.
enum class Isolation { read_uncommitted, read_committed, repeatable_read, serializable };

}  // namespace xabridge
