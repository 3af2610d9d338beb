// Running one of the example programs and keeping what it said.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace scene {

struct Ran {
  int exit_code = -1;  // -1 when a signal ended it
  int signal = 0;
  std::string output;  // standard output and error together

  /// The number on the line "name number" of the output; -1 when there is none.
  [[nodiscard]] std::int64_t number(const std::string& name) const;
  [[nodiscard]] bool says(const std::string& text) const {
    return output.find(text) != std::string::npos;
  }
};

/// `name` is a program of the build, the arguments are passed as they are. Waits for its end.
[[nodiscard]] Ran run_program(const std::string& name, const std::vector<std::string>& arguments);

/// The same; sends it the signal as soon as it has said `text`.
[[nodiscard]] Ran run_program_and_signal(const std::string& name,
                                         const std::vector<std::string>& arguments,
                                         const std::string& text, int signal);

}  // namespace scene
