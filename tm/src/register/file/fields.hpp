// FieldWriter and FieldReader: the same calls in the same order write and read a record, so that a
// field list exists once (log_format.cpp). Integers are little-endian. Neither throws on bad input:
// ok() turns false and stays so.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace xabridge::tm {

class FieldWriter {
 public:
  explicit FieldWriter(std::string& out) : out_(out) {}
  /// False: a value was longer than its length field can say.
  [[nodiscard]] bool ok() const noexcept { return ok_; }

  template <class Integer>
  void integer(const Integer& value) {
    static_assert(std::is_integral_v<Integer>);
    auto bits = static_cast<std::uint64_t>(value);
    for (std::size_t i = 0; i < sizeof(Integer); ++i, bits >>= 8U)
      out_ += static_cast<char>(static_cast<std::uint8_t>(bits));
  }
  template <std::size_t N>
  void fixed(const std::array<std::uint8_t, N>& bytes) {
    for (const std::uint8_t byte : bytes) out_ += static_cast<char>(byte);
  }
  /// Length (Length bytes wide), then the bytes.
  template <class Length>
  void bytes(const std::string& value) {
    const auto length = static_cast<Length>(value.size());
    ok_ = ok_ && length == value.size();
    integer(length);
    out_ += value;
  }
  void time(const std::chrono::system_clock::time_point& value) {
    integer(static_cast<std::int64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(value.time_since_epoch()).count()));
  }
  template <class Count, class Item, class Each>
  void list(const std::vector<Item>& items, Each each) {
    const auto count = static_cast<Count>(items.size());
    ok_ = ok_ && count == items.size();
    integer(count);
    for (const Item& item : items) each(item);
  }

 private:
  std::string& out_;
  bool ok_ = true;
};

class FieldReader {
 public:
  explicit FieldReader(std::string_view in) : in_(in) {}
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  /// Nothing is left over.
  [[nodiscard]] bool at_end() const noexcept { return ok_ && in_.empty(); }

  template <class Integer>
  void integer(Integer& value) {
    static_assert(std::is_integral_v<Integer>);
    const std::string_view raw = take(sizeof(Integer));
    std::uint64_t bits = 0;
    for (std::size_t i = raw.size(); i > 0; --i)
      bits = bits << 8U | static_cast<std::uint8_t>(raw[i - 1]);
    value = static_cast<Integer>(bits);
  }
  template <std::size_t N>
  void fixed(std::array<std::uint8_t, N>& bytes) {
    const std::string_view raw = take(N);
    for (std::size_t i = 0; i < raw.size(); ++i) bytes[i] = static_cast<std::uint8_t>(raw[i]);
  }
  template <class Length>
  void bytes(std::string& value) {
    Length length{};
    integer(length);
    value = take(length);
  }
  void time(std::chrono::system_clock::time_point& value) {
    std::int64_t count = 0;
    integer(count);
    value = std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(
            std::chrono::nanoseconds(count)));
  }
  template <class Count, class Item, class Each>
  void list(std::vector<Item>& items, Each each) {
    Count count{};
    integer(count);
    for (std::size_t i = 0; ok_ && i < count; ++i) each(items.emplace_back());
  }
  /// The next `size` bytes; empty and not ok() when there are fewer.
  std::string_view take(std::size_t size) {
    if (!ok_ || in_.size() < size) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = in_.substr(0, size);
    in_.remove_prefix(size);
    return taken;
  }

 private:
  std::string_view in_;
  bool ok_ = true;
};

}  // namespace xabridge::tm
