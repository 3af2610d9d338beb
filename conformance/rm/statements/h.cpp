// Section H. TX interface: states and characteristics. The bodies are in the program that tests a
// transaction manager.
#include "statements/sections.hpp"

namespace xabridge::conformance {
namespace {

using enum Kind;

constexpr Statement kRows[] = {
    {"H01", manager, "", "TX S0", "tx_begin", "TX_PROTOCOL_ERROR", "S0", nullptr},
    {"H02", manager, "", "TX S0", "tx_commit", "TX_PROTOCOL_ERROR", "S0", nullptr},
    {"H03", manager, "", "TX S0", "tx_rollback", "TX_PROTOCOL_ERROR", "S0", nullptr},
    {"H04", manager, "", "TX S0", "tx_info", "TX_PROTOCOL_ERROR", "S0", nullptr},
    {"H05", manager, "", "TX S0", "tx_set_commit_return", "TX_PROTOCOL_ERROR", "S0", nullptr},
    {"H06", manager, "", "TX S0", "tx_set_transaction_control", "TX_PROTOCOL_ERROR", "S0", nullptr},
    {"H07", manager, "", "TX S0", "tx_set_transaction_timeout", "TX_PROTOCOL_ERROR", "S0", nullptr},
    {"H08", manager, "", "S0", "tx_close", "TX_OK", "S0", nullptr},
    {"H09", manager, "", "S0", "tx_open", "TX_OK", "S1", nullptr},
    {"H10", manager, "", "S1", "tx_open", "TX_OK", "=, no xa_open", nullptr},
    {"H11", manager, "", "S2", "tx_open", "TX_OK", "=, no xa_open", nullptr},
    {"H12", manager, "", "S3", "tx_open", "TX_OK", "=, no xa_open", nullptr},
    {"H13", manager, "", "S4", "tx_open", "TX_OK", "=, no xa_open", nullptr},
    {"H14", manager, "", "S0, RM 2 answers xa_open with XAER_RMERR", "tx_open", "TX_ERROR",
     "S0, RM 1 closed again", nullptr},
    {"H15", manager, "", "S0, RM 2 answers xa_open with XAER_INVAL", "tx_open", "TX_FAIL",
     "S0, RM 1 closed again", nullptr},
    {"H16", manager, "", "S1", "tx_begin", "TX_OK", "S3, xa_start(0) per static RM", nullptr},
    {"H17", manager, "", "S2", "tx_begin", "TX_OK", "S4, xa_start(0) per static RM", nullptr},
    {"H18", manager, "", "S3", "tx_begin", "TX_PROTOCOL_ERROR", "=", nullptr},
    {"H19", manager, "", "S4", "tx_begin", "TX_PROTOCOL_ERROR", "=", nullptr},
    {"H20", manager, "", "S1", "tx_close", "TX_OK", "S0", nullptr},
    {"H21", manager, "", "S2", "tx_close", "TX_OK", "S0", nullptr},
    {"H22", manager, "", "S3", "tx_close", "TX_PROTOCOL_ERROR", "=, no xa_close", nullptr},
    {"H23", manager, "", "S4", "tx_close", "TX_PROTOCOL_ERROR", "=, no xa_close", nullptr},
    {"H24", manager, "", "S1", "tx_commit", "TX_PROTOCOL_ERROR", "=", nullptr},
    {"H25", manager, "", "S1", "tx_rollback", "TX_PROTOCOL_ERROR", "=", nullptr},
    {"H26", manager, "", "S2", "tx_commit", "TX_PROTOCOL_ERROR", "=", nullptr},
    {"H27", manager, "", "S2", "tx_rollback", "TX_PROTOCOL_ERROR", "=", nullptr},
    {"H28", manager, "", "S3", "tx_commit", "TX_OK", "S1", nullptr},
    {"H29", manager, "", "S3", "tx_rollback", "TX_OK", "S1", nullptr},
    {"H30", manager, "", "S4", "tx_commit", "TX_OK", "S4 with a new gtrid", nullptr},
    {"H31", manager, "", "S4", "tx_rollback", "TX_OK", "S4 with a new gtrid", nullptr},
    {"H32", manager, "", "S4, next xa_start XAER_RMERR, committed", "tx_commit",
     "TX_NO_BEGIN (-100)", "S2", nullptr},
    {"H33", manager, "", "S4, next xa_start XAER_RMERR, rolled back", "tx_commit",
     "TX_ROLLBACK_NO_BEGIN (-102)", "S2", nullptr},
    {"H34", manager, "", "S4, next xa_start XAER_RMERR, mixed", "tx_commit",
     "TX_MIXED_NO_BEGIN (-103)", "S2", nullptr},
    {"H35", manager, "", "S4, next xa_start XAER_RMERR, hazard", "tx_commit",
     "TX_HAZARD_NO_BEGIN (-104)", "S2", nullptr},
    {"H36", manager, "", "S4, next xa_start XAER_RMERR", "tx_rollback", "TX_NO_BEGIN (-100)", "S2",
     nullptr},
    {"H37", manager, "", "S4, next xa_start fails, xa_rollback XA_HEURCOM", "tx_rollback",
     "TX_COMMITTED_NO_BEGIN (-109)", "S2", nullptr},
    {"H38", manager, "", "S1", "tx_set_transaction_control(CHAINED), then (UNCHAINED)",
     "TX_OK; TX_OK", "S2; S1", nullptr},
    {"H39", manager, "", "S2", "tx_set_transaction_control(CHAINED), then (UNCHAINED)",
     "TX_OK; TX_OK", "S2; S1", nullptr},
    {"H40", manager, "", "S3", "tx_set_transaction_control(CHAINED), then (UNCHAINED)",
     "TX_OK; TX_OK", "S4; S3", nullptr},
    {"H41", manager, "", "S4", "tx_set_transaction_control(CHAINED), then (UNCHAINED)",
     "TX_OK; TX_OK", "S4; S3", nullptr},
    {"H42", manager, "", "S1", "tx_set_transaction_control(2)", "TX_EINVAL", "setting kept",
     nullptr},
    {"H43", manager, "", "S1", "tx_set_commit_return(7)", "TX_EINVAL", "setting kept", nullptr},
    {"H44", manager, "", "S1", "tx_set_transaction_timeout(-1)", "TX_EINVAL", "setting kept",
     nullptr},
    {"H45", manager, "", "S1", "tx_set_commit_return(DECISION_LOGGED)", "{TX_OK, TX_NOT_SUPPORTED}",
     "S1", nullptr},
    {"H46", manager, "", "fresh S1", "tx_info(&i)", "0 with formatID -1, UNCHAINED, timeout 0", "=",
     nullptr},
    {"H47", manager, "", "S1", "tx_info(NULL)", "0", "=", nullptr},
    {"H48", manager, "", "S3", "tx_info(NULL)", "1", "=", nullptr},
    {"H49", manager, "", "S3, timeout 1 set before tx_begin, 2 s pass", "tx_info; tx_commit",
     "1, TX_TIMEOUT_ROLLBACK_ONLY; TX_ROLLBACK", "S1, xa_rollback sent", nullptr},
    {"H50", manager, "", "S3, timeout 1 set after tx_begin, 2 s pass", "tx_info",
     "1, TX_ACTIVE, transaction_timeout 1", "S3", nullptr},
    {"H51", manager, "", "S1, xa_start XAER_OUTSIDE", "tx_begin", "TX_OUTSIDE", "S1", nullptr},
};

}  // namespace

std::span<const Statement> section_h() { return kRows; }

}  // namespace xabridge::conformance
