// Section K. Commitment and recovery by a transaction manager. The bodies are in the program that
// tests one.
#include "statements/sections.hpp"

namespace xabridge::conformance {
namespace {

using enum Kind;

constexpr Statement kRows[] = {
    {"K01", manager, "", "2 RMs, both vote XA_OK", "tx_commit", "TX_OK",
     "end,end,prepare,prepare,log forced,commit,commit", nullptr},
    {"K02", manager, "", "1 RM", "tx_commit", "TX_OK", "end, commit(ONEPHASE); no prepare, no log",
     nullptr},
    {"K03", manager, "", "votes XA_RDONLY, XA_OK, XA_OK", "tx_commit", "TX_OK",
     "no phase 2 to the first", nullptr},
    {"K04", manager, "", "all vote XA_RDONLY", "tx_commit", "TX_OK", "no log, no phase 2", nullptr},
    {"K05", manager, "", "votes XA_OK then RB*", "tx_commit", "TX_ROLLBACK",
     "xa_rollback to RM 1 only, no log", nullptr},
    {"K06", manager, "", "votes XA_OK then XAER_RMERR", "tx_commit", "TX_ROLLBACK",
     "xa_rollback to both, no log", nullptr},
    {"K07", manager, "", "xa_end RB* at one RM", "tx_commit", "TX_ROLLBACK",
     "no prepare, all rolled back", nullptr},
    {"K08", fault, "", "TM killed: all prepared, no log", "recovery", "-", "rollback all", nullptr},
    {"K09", fault, "", "TM killed: log forced, no commit", "recovery", "-", "commit all", nullptr},
    {"K10", fault, "", "TM killed between two commits", "recovery", "-", "commit the rest",
     nullptr},
    {"K11", fault, "", "TM killed after the last commit", "recovery", "-", "record dropped",
     nullptr},
    {"K12", manager, "", "xa_commit XA_RETRY then XA_OK", "tx_commit", "TX_OK",
     "xa_commit reissued", nullptr},
    {"K13", manager, "", "xa_commit XAER_RMFAIL, RM back later", "TM", "-",
     "xa_open, xa_commit again; record kept until then", nullptr},
    {"K14", manager, "", "xa_commit results {OK,HEURCOM}", "tx_commit", "TX_OK",
     "xa_forget per HEUR*, after the outcome is stored", nullptr},
    {"K15", manager, "", "xa_commit results {OK,HEURRB}", "tx_commit", "TX_MIXED",
     "xa_forget per HEUR*, after the outcome is stored", nullptr},
    {"K16", manager, "", "xa_commit results {HEURRB,HEURRB}", "tx_commit", "TX_ROLLBACK",
     "xa_forget per HEUR*, after the outcome is stored", nullptr},
    {"K17", manager, "", "xa_commit results {OK,HEURHAZ}", "tx_commit", "TX_HAZARD",
     "xa_forget per HEUR*, after the outcome is stored", nullptr},
    {"K18", manager, "", "xa_commit results {HEURMIX,HEURHAZ}", "tx_commit", "TX_MIXED",
     "xa_forget per HEUR*, after the outcome is stored", nullptr},
    {"K19", manager, "", "xa_commit results {OK,XAER_RMERR}", "tx_commit", "TX_MIXED",
     "xa_forget per HEUR*, after the outcome is stored", nullptr},
    {"K20", manager, "", "xa_rollback results {HEURCOM,HEURCOM}", "tx_rollback", "TX_COMMITTED",
     "xa_forget per HEUR*, after the outcome is stored", nullptr},
    {"K21", manager, "", "xa_rollback results {HEURCOM,OK}", "tx_rollback", "TX_MIXED",
     "xa_forget per HEUR*, after the outcome is stored", nullptr},
    {"K22", manager, "", "xa_rollback results {HEURRB,OK}", "tx_rollback", "TX_OK",
     "xa_forget per HEUR*, after the outcome is stored", nullptr},
    {"K23", manager, "", "xa_rollback results {HEURHAZ,OK}", "tx_rollback", "TX_HAZARD",
     "xa_forget per HEUR*, after the outcome is stored", nullptr},
    {"K24", manager, "", "xa_rollback results {RB*,NOTA}", "tx_rollback", "TX_OK",
     "xa_forget per HEUR*, after the outcome is stored", nullptr},
    {"K25", manager, "", "xa_recover lists an XID of another TM", "recovery", "-",
     "no call with that XID", nullptr},
    {"K26", manager, "", "xa_recover lists an XID of a live coordinator of this TM", "recovery",
     "-", "no call with that XID", nullptr},
    {"K27", manager, "", "xa_recover always returns n == count, same XIDs", "recovery", "-",
     "loop ends", nullptr},
    {"K28", fault, "", "log write fails", "tx_commit", "TX_ROLLBACK",
     "all rolled back, no xa_commit", nullptr},
    {"K29", manager, "", "DECISION_LOGGED, slow phase 2, later HEURRB", "tx_commit",
     "TX_OK at once", "outcome stored, xa_forget later", nullptr},
};

}  // namespace

std::span<const Statement> section_k() { return kRows; }

}  // namespace xabridge::conformance
