// What every fuzz target needs: its input taken apart piece by piece, and a way to say what is
// wrong.
//
// A target defines LLVMFuzzerTestOneInput(). Under clang libFuzzer feeds it; in every other build
// replay.cpp feeds it the kept corpus, so that a finding stays found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace xabridge::fuzz {

/// Ends the process where `holds` is false: the fuzzer then keeps the input.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzzing found: %s\n", what);
  std::abort();
}

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Takes values off the front. At the end everything is zero and empty.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(as_text(data, size)) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  /// Eight bytes, least significant first.
  long integer() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 8) value |= std::uint64_t{byte()} << shift;
    return static_cast<long>(value);
  }
  /// At most `size` bytes.
  std::string_view bytes(std::size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view all() { return bytes(rest_.size()); }
  /// One element of a table.
  template <class Table>
  const auto& one_of(const Table& table) {
    return table[byte() % std::size(table)];
  }

 private:
  std::string_view rest_;
};

}  // namespace xabridge::fuzz
