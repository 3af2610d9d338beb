// See xids.hpp.
#include "engine/xids.hpp"

#include <unistd.h>

#include <atomic>
#include <cstring>
#include <random>
#include <stdexcept>

namespace xabridge::conformance {
namespace {

const std::string& run_name() {
  static const std::string name = [] {
    std::random_device random;
    return "xa-conformance-" + std::to_string(::getpid()) + "-" + std::to_string(random());
  }();
  return name;
}

std::string hex(const char* bytes, long count) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (long i = 0; i < count; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

std::string unhex(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return bytes;
}

}  // namespace

XID make_xid(long format, const std::string& gtrid, const std::string& bqual) {
  XID xid{};
  xid.formatID = format;
  xid.gtrid_length = static_cast<long>(gtrid.size());
  xid.bqual_length = static_cast<long>(bqual.size());
  const std::string both = gtrid + bqual;
  std::memcpy(xid.data, both.data(), both.size());
  return xid;
}

XID fresh_xid() {
  static std::atomic<int> counter{0};
  return make_xid(kFormat, run_name() + "-" + std::to_string(++counter), "branch");
}

XID null_xid() {
  XID xid{};
  xid.formatID = -1;
  return xid;
}

bool same(const XID& a, const XID& b) {
  return a.formatID == b.formatID && a.gtrid_length == b.gtrid_length &&
         a.bqual_length == b.bqual_length &&
         std::memcmp(a.data, b.data, static_cast<std::size_t>(a.gtrid_length + a.bqual_length)) ==
             0;
}

bool ours(const XID& xid) {
  const std::string& name = run_name();
  return xid.formatID == kFormat && xid.gtrid_length >= static_cast<long>(name.size()) &&
         std::memcmp(xid.data, name.data(), name.size()) == 0;
}

std::string xid_text(const XID& xid) {
  return std::to_string(xid.formatID) + ":" + hex(xid.data, xid.gtrid_length) + ":" +
         hex(xid.data + xid.gtrid_length, xid.bqual_length);
}

XID xid_from_text(const std::string& text) {
  const auto first = text.find(':');
  const auto second = text.find(':', first + 1);
  if (first == std::string::npos || second == std::string::npos)
    throw std::invalid_argument("no XID: " + text);
  return make_xid(std::stol(text.substr(0, first)),
                  unhex(text.substr(first + 1, second - first - 1)),
                  unhex(text.substr(second + 1)));
}

}  // namespace xabridge::conformance
