// One numbered statement of the conformance list, and the list.
//
// Notation of the texts: X, Y, Z are fresh XIDs; flags stand without TM, 0 is TMNOFLAGS; th2 is a
// second thread with its own xa_open; {a,b} is either; = is "nothing changes". Before every
// statement the rmid is R1 and the thread T0 unless `before` says otherwise; S is that of X.
#pragma once

#include <span>
#include <string_view>

namespace xabridge::conformance {

class Trial;

/// Whom a statement concerns, and how.
enum class Kind : char {
  always = '-',      // every resource manager
  capability = 'c',  // only one that claims `needs`
  fault = 'f',       // needs a fault, by --work or --hook
  uncertain = 'u',   // the standard's text is open here: what is seen is reported, never a failure
  manager = 't',     // tests a transaction manager over scripted resource managers
};

struct Statement {
  std::string_view id;
  Kind kind;
  std::string_view needs;  // join, susp, mig, async, heur, rdo, or empty
  std::string_view before;
  std::string_view call;
  std::string_view must_return;
  std::string_view after;
  void (*run)(Trial&);  // null where a program for transaction managers has the body
};

/// All 291, in the order of their ids.
std::span<const Statement> catalogue();

/// Null when there is none.
const Statement* find_statement(std::string_view id);

}  // namespace xabridge::conformance
