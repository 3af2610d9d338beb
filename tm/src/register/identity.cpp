// gtrid and bqual as bytes and as text. The decoders accept exactly what the encoders write.

#include "identity.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <xabridge/xid.hpp>

namespace xabridge::tm {
namespace {

constexpr std::size_t kLead = 8;
constexpr std::size_t kRegister = kLead + 1;
constexpr std::size_t kSlot = kRegister + 16;
constexpr std::size_t kIncarnation = kSlot + 2;
constexpr std::size_t kSequence = kIncarnation + 8;
constexpr std::size_t kHost = kSequence + 8;
static_assert(kHost + kMaxHostLength <= MAXGTRIDSIZE);

constexpr std::size_t kNumber = kLead + 1;
constexpr std::size_t kName = kNumber + 1;
static_assert(kName + kMaxNameLength <= MAXBQUALSIZE);

template <std::size_t N>
void put(std::string& out, const std::array<std::uint8_t, N>& bytes) {
  for (const std::uint8_t byte : bytes) out += static_cast<char>(byte);
}

void put_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out += static_cast<char>(static_cast<std::uint8_t>(value >> static_cast<unsigned>(shift)));
}

template <std::size_t N>
void get(std::string_view from, std::array<std::uint8_t, N>& bytes) {
  std::transform(from.begin(), from.begin() + N, bytes.begin(),
                 [](char c) { return static_cast<std::uint8_t>(c); });
}

std::uint64_t get_big_endian(std::string_view from) {
  std::uint64_t value = 0;
  for (const char c : from) value = value << 8U | static_cast<std::uint8_t>(c);
  return value;
}

template <std::size_t N>
std::string hex(const std::array<std::uint8_t, N>& bytes) {
  std::string raw;
  put(raw, bytes);
  return to_hex(raw);
}

std::string lead_and_version() {
  std::string out(kLead, '\xff');
  out += static_cast<char>(kLayoutVersion);
  return out;
}

/// As much of `text` as fits, and as can be told from the zeros behind it.
void put_padded(std::string& out, std::string_view text, std::size_t longest, std::size_t size) {
  text = text.substr(0, longest);
  out += text.substr(0, text.find('\0'));
  out.resize(size, '\0');
}

/// nullopt: too long, or a byte behind the zeros.
std::optional<std::string_view> get_padded(std::string_view from, std::size_t longest) {
  const std::string_view text = from.substr(0, from.find('\0'));
  if (text.size() > longest) return {};
  if (from.find_first_not_of('\0', text.size()) != std::string_view::npos) return {};
  return text;
}

bool has_lead(std::string_view bytes, std::size_t size) {
  return bytes.size() == size && bytes.starts_with(lead_and_version());
}

}  // namespace

std::string Gtrid::prefix() const {
  std::string out = lead_and_version();
  put(out, register_id);
  put_big_endian(out, slot, 2);
  put(out, incarnation);
  return out;
}

std::string Gtrid::encode() const {
  std::string out = prefix();
  put_big_endian(out, sequence, 8);
  put_padded(out, host, kMaxHostLength, MAXGTRIDSIZE);
  return out;
}

std::optional<Gtrid> Gtrid::decode(std::string_view bytes) {
  if (!has_lead(bytes, MAXGTRIDSIZE)) return {};
  const auto host = get_padded(bytes.substr(kHost), kMaxHostLength);
  if (!host) return {};
  Gtrid out;
  get(bytes.substr(kRegister), out.register_id);
  out.slot = static_cast<std::uint16_t>(get_big_endian(bytes.substr(kSlot, 2)));
  get(bytes.substr(kIncarnation), out.incarnation);
  out.sequence = get_big_endian(bytes.substr(kSequence, 8));
  out.host = *host;
  return out;
}

std::string make_bqual(std::uint8_t number, std::string_view resource_manager) {
  std::string out = lead_and_version();
  out += static_cast<char>(number);
  put_padded(out, resource_manager, kMaxNameLength, MAXBQUALSIZE);
  return out;
}

std::optional<Bqual> Bqual::decode(std::string_view bytes) {
  if (!has_lead(bytes, MAXBQUALSIZE)) return {};
  const auto name = get_padded(bytes.substr(kName), kMaxNameLength);
  if (bytes[kNumber] == 0 || !name || name->empty()) return {};
  return Bqual{static_cast<std::uint8_t>(bytes[kNumber]), std::string(*name)};
}

std::optional<std::string> bqual_name(std::string_view bqual) {
  std::optional<Bqual> decoded = Bqual::decode(bqual);
  if (!decoded) return {};
  return std::move(decoded->resource_manager);
}

std::optional<BranchOrigin> origin_of(const Xid& xid) {
  if (xid.format_id() != kFormatId) return {};
  auto gtrid = Gtrid::decode(xid.gtrid());
  auto name = bqual_name(xid.bqual());
  if (!gtrid || !name) return {};
  return BranchOrigin{*std::move(gtrid), *std::move(name)};
}

std::string TransactionName::to_string() const {
  return hex(incarnation) + "-" + std::to_string(sequence);
}

std::optional<TransactionName> TransactionName::parse(std::string_view text) {
  constexpr std::size_t kDigits = 2 * std::tuple_size_v<Incarnation>;
  if (text.size() < kDigits + 2 || text[kDigits] != '-') return {};
  const auto bytes = from_hex(text.substr(0, kDigits));
  if (!bytes) return {};
  TransactionName name;
  get(*bytes, name.incarnation);
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data() + kDigits + 1, end, name.sequence);
  if (code != std::errc() || stop != end || name.to_string() != text) return {};
  return name;
}

std::string transaction_text(std::string_view gtrid) {
  const std::optional<Gtrid> ours = Gtrid::decode(gtrid);
  if (!ours) return to_hex(gtrid);
  return TransactionName{ours->incarnation, ours->sequence}.to_string();
}

std::string branch_text(const Xid& xid) {
  const bool ours =
      xid.format_id() == kFormatId && Gtrid::decode(xid.gtrid()) && Bqual::decode(xid.bqual());
  return ours ? transaction_text(xid.gtrid()) : xid.to_string();
}

std::string owner_tag(const RegisterId& register_id, const Incarnation& incarnation) {
  return "xabridge/" + hex(register_id) + "/" + hex(incarnation);
}

}  // namespace xabridge::tm
