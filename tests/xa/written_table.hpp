// A state table of the standard written down once more, as text, for the tests to compare with.
//
// A cell is the next state, or "-" where the call is illegal (and the state stays). "(x)" marks a
// cell the standard leaves open and the choice made here. What is left out changes nothing.
#pragma once

#include <cstddef>
#include <sstream>
#include <string>
#include <vector>
#include <xabridge/codes.hpp>

namespace xabridge::rm {

struct WrittenRow {
  const char* call;
  int answer;
  const char* cells;
};

/// One class of answers has one row; any member of the class finds it.
inline bool same_class(int a, int b) {
  return a == b || (is_rollback(a) && is_rollback(b)) || (is_heuristic(a) && is_heuristic(b));
}

inline std::vector<std::string> cells_of(const char* text) {
  std::vector<std::string> cells;
  std::istringstream in(text);
  for (std::string cell; in >> cell;) cells.push_back(cell[0] == '(' ? cell.substr(1, 1) : cell);
  return cells;
}

/// A call is legal where it has an answer; that may be a refusal, as RB* to who wants to join.
inline bool legal(const std::vector<WrittenRow>& table, const std::string& call,
                  std::size_t state) {
  for (const auto& row : table)
    if (row.call == call && cells_of(row.cells)[state] != "-") return true;
  return false;
}

inline std::size_t next(const std::vector<WrittenRow>& table, const std::string& call, int answer,
                        std::size_t state) {
  for (const auto& row : table)
    if (row.call == call && same_class(row.answer, answer))
      if (const auto cell = cells_of(row.cells)[state]; cell != "-") return std::stoul(cell);
  return state;
}

}  // namespace xabridge::rm
