// xabridge xid: from what a server lists to what xabridge shows.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iostream>
#include <optional>
#include <sstream>
#include <xabridge/xid.hpp>

#include "../src/register/identity.hpp"
#include "command.hpp"

namespace xabridge::cli {
namespace {

std::optional<std::size_t> number(const std::string& text) {
  std::size_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc() || stop != end) return std::nullopt;
  return value;
}

/// As XA RECOVER and XA statements have it. MySQL lists a negative one as 32 bits without a sign,
/// and takes it in hexadecimal; see Xid::to_mysql().
std::optional<long> format_id_of(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x");
  if (hexadecimal) text.remove_prefix(2);
  long value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value, hexadecimal ? 16 : 10);
  if (code != std::errc() || stop != end) return std::nullopt;
  if (value > INT32_MAX && value <= UINT32_MAX) return static_cast<std::int32_t>(value);
  return value;
}

/// A row of XA RECOVER CONVERT XID: formatID, both lengths, the bytes in hexadecimal.
std::optional<Xid> from_row(const std::vector<std::string>& fields) {
  const auto format_id = format_id_of(fields[0]);
  const auto gtrid_length = number(fields[1]);
  const auto bqual_length = number(fields[2]);
  if (!format_id || !gtrid_length || !bqual_length || !fields[3].starts_with("0x")) return {};
  const auto bytes = from_hex(std::string_view(fields[3]).substr(2));
  if (!bytes || *gtrid_length > bytes->size() || bytes->size() - *gtrid_length != *bqual_length) {
    return {};
  }
  return Xid::make(*format_id, bytes->substr(0, *gtrid_length),
                   bytes->substr(*gtrid_length));
}

/// `X'61',X'62',1`: what XA statements take, and what XA RECOVER FORMAT='SQL' of MariaDB ends with.
std::optional<Xid> from_literal(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t comma = 0; comma != std::string_view::npos;) {
    comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma != std::string_view::npos) text.remove_prefix(comma + 1);
  }
  if (parts.size() != 3) return {};
  const auto format_id = format_id_of(parts[2]);
  std::string bytes[2];
  for (const std::size_t i : {0U, 1U}) {
    const std::string_view part = parts[i];
    if (part.size() < 3 || !part.starts_with("X'") || !part.ends_with('\'')) return {};
    const auto read = from_hex(part.substr(2, part.size() - 3));
    if (!read) return {};
    bytes[i] = *read;
  }
  if (!format_id) return {};
  return Xid::make(*format_id, bytes[0], bytes[1]);
}

/// The columns of a row; the programs of the servers put `|` between them.
std::vector<std::string> fields_of(std::string line) {
  std::replace(line.begin(), line.end(), '|', ' ');
  std::istringstream words(line);
  std::vector<std::string> fields;
  for (std::string word; words >> word;) fields.push_back(word);
  return fields;
}

/// What psql and mysql print around the rows: the names of the columns, lines, a count.
bool is_frame(const std::string& line) {
  if (line.find_first_not_of("+-| \t\r") == std::string::npos) return true;
  const std::vector<std::string> fields = fields_of(line);
  if (fields[0] == "formatID" || fields[0] == "gid") return true;
  const bool counted = fields.size() == 2 && (fields[1] == "row)" || fields[1] == "rows)");
  return counted && fields[0].starts_with('(');
}

std::optional<Xid> read(const std::string& line) {
  const std::vector<std::string> fields = fields_of(line);
  if (fields.empty()) return {};
  // A row of pg_prepared_xacts has other columns after the gid.
  if (line.find('|') != std::string::npos)
    if (auto gid = Xid::from_gid(fields[0])) return gid;
  if (fields.size() == 4) {
    const auto xid = from_literal(fields[3]);
    return xid ? xid : from_row(fields);
  }
  if (fields.size() != 1) return {};
  if (const auto xid = from_literal(fields[0])) return xid;
  const auto gid = Xid::from_gid(fields[0]);
  return gid ? gid : Xid::parse(fields[0]);
}

Exit add(Columns& table, const std::string& line) {
  const auto xid = read(line);
  if (!xid) {
    std::cerr << "xabridge: " << printable(line)
              << (tm::TransactionName::parse(line)
                      ? " is a transaction already: `xabridge status` shows its branches\n"
                      : " is no XID: give a gid of PostgreSQL, a row of XA RECOVER, or the xid in "
                        "`xabridge status --json`\n");
    return Exit::findings;
  }
  const auto gtrid = tm::Gtrid::decode(xid->gtrid());
  const auto bqual = tm::Bqual::decode(xid->bqual());
  if (xid->format_id() != tm::kFormatId || !gtrid || !bqual) {
    std::cerr << "xabridge: another transaction manager's: " << xid->to_string() << '\n';
    return Exit::findings;
  }
  const auto& id = gtrid->register_id;
  table.add({tm::transaction_text(xid->gtrid()), printable(bqual->resource_manager),
             gtrid->host.empty() ? "-" : printable(gtrid->host),
             to_hex({reinterpret_cast<const char*>(id.data()), id.size()})});
  return Exit::ok;
}

}  // namespace

Exit explain_xids(const std::vector<std::string>& words) {
  Columns table({"TRANSACTION", "RESOURCE MANAGER", "BEGUN ON", "DECISION LOG"});
  Exit exit = Exit::ok;
  if (words.empty()) {
    for (std::string line; std::getline(std::cin, line);) {
      if (!is_frame(line)) exit = worse(exit, add(table, line));
    }
  } else {
    std::string line;
    for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
    exit = add(table, line);
  }
  if (!table.empty()) table.print(std::cout);
  return exit;
}

}  // namespace xabridge::cli
