// All sections in the order of their ids.
#include <vector>

#include "statements/sections.hpp"

namespace xabridge::conformance {

std::span<const Statement> catalogue() {
  static const std::vector<Statement> all = [] {
    std::vector<Statement> rows;
    for (const auto section :
         {section_a(), section_b(), section_c_start(), section_c_end(), section_d(),
          section_e_prepare(), section_e_commit(), section_e_rollback(), section_e_heuristic(),
          section_f(), section_g(), section_h(), section_k()})
      rows.insert(rows.end(), section.begin(), section.end());
    return rows;
  }();
  return all;
}

}  // namespace xabridge::conformance
