// Refused: a business rule says no.
#pragma once

#include <stdexcept>

namespace examples {

/// The work is rolled back; trying again at once would not help.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace examples
