// The sections of the catalogue; each file of this folder defines one or part of one.
#pragma once

#include <span>

#include "engine/statement.hpp"

namespace xabridge::conformance {

std::span<const Statement> section_a();          // header and switch
std::span<const Statement> section_b();          // table 6-1: open and close
std::span<const Statement> section_c_start();    // table 6-2: xa_start
std::span<const Statement> section_c_end();      // table 6-2: xa_end, suspension, migration
std::span<const Statement> section_d();          // table 6-3: dynamic registration
std::span<const Statement> section_e_prepare();  // table 6-4
std::span<const Statement> section_e_commit();
std::span<const Statement> section_e_rollback();
std::span<const Statement> section_e_heuristic();
std::span<const Statement> section_f();  // xa_recover
std::span<const Statement> section_g();  // table 6-5: asynchronous calls
std::span<const Statement> section_h();  // TX interface
std::span<const Statement> section_k();  // commitment and recovery

}  // namespace xabridge::conformance
