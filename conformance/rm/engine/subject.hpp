// What is under test: a switch out of a library, and what its owner says about it.
#pragma once

#include <xabridge/xa.h>

#include <chrono>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include "work.h"

namespace xabridge::conformance {

struct Subject {
  const xa_switch_t* entries = nullptr;
  const void* extras =
      nullptr;  // `<symbol>_extras`; handed to the work library, read by nobody else
  std::string library, symbol, open_string;
  std::string unreachable;  // an open string of a target that is not there, or empty
  std::string work_library;
  const xa_conformance_work_t* work = nullptr;
  std::set<std::string> capabilities;        // join, susp, mig, async, heur, rdo
  std::map<std::string, std::string> hooks;  // name: shell command
  std::chrono::milliseconds limit{20'000};   // of one call
  std::string program;                       // this one, to start it again as another process

  [[nodiscard]] bool dynamic() const { return (entries->flags & TMREGISTER) != 0; }
  [[nodiscard]] bool asynchronous() const { return (entries->flags & TMUSEASYNC) != 0; }
};

/// A library, symbol or open string that cannot be used, in words for the command line.
struct Unusable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Loads the library; `symbol` is an xa_switch_t object or a function returning a pointer to one.
/// Fills library, symbol, entries and extras. Throws Unusable.
void load_switch(Subject& subject, const std::string& library, const std::string& symbol);
/// Throws Unusable. Call before the capabilities are used: nothing is attached yet.
void load_work(Subject& subject, const std::string& library);

}  // namespace xabridge::conformance
