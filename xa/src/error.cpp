// Error as one line of text.

#include <cctype>
#include <system_error>
#include <xabridge/codes.hpp>
#include <xabridge/error.hpp>

namespace xabridge {
namespace {

// Server texts span lines ("ERROR: ...\nDETAIL: ..."); a log line must not, and a server must not
// be able to move a terminal's cursor.
void append_one_line(std::string& out, std::string_view text) {
  bool gap = false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte == 0x7f) {
      gap = true;
      continue;
    }
    if (gap && !out.empty() && out.back() != ' ') out += ' ';
    gap = false;
    out += c;
  }
}

}  // namespace

/// Where the code is too general, the SQLSTATE tells. xa_open has one answer, XAER_RMERR, for a
/// server that is away (class 08) and for a wrong password; XA_RBROLLBACK may be a branch that the
/// server undid as it does after a deadlock, without saying more (40001).
bool Error::retryable() const noexcept {
  switch (xa_code) {
    case XA_RBDEADLOCK:
    case XA_RBTRANSIENT:
    case XA_RBCOMMFAIL:
    case XAER_RMFAIL:
      return true;
    case XA_RBROLLBACK:
      return sqlstate == "40001";
    case XAER_RMERR:
      return sqlstate.starts_with("08") || sqlstate == "57P03";
    default:
      return false;
  }
}

std::error_code Error::code() const noexcept { return {xa_code, xa_category()}; }

std::string Error::to_string() const {
  std::string text;
  append_one_line(text, message.empty() ? std::string(code_meaning(xa_code)) : message);

  std::string facts = code_name(xa_code);
  const auto add = [&](std::string_view label, const std::string& value) {
    if (value.empty()) return;
    facts += ", ";
    facts += label;
    append_one_line(facts, value);
  };
  add("in ", operation);
  add("resource manager ", resource_manager);
  if (rmid >= 0) add("rmid ", std::to_string(rmid));
  add("xid ", xid);
  add("SQLSTATE ", sqlstate);
  if (vendor_code != 0) add("server error ", std::to_string(vendor_code));
  if (sys_errno != 0)
    add("errno ", std::to_string(sys_errno) + " " + std::generic_category().message(sys_errno));
  if (!connection_usable) add("", "connection lost");
  if (!outcome_known) add("", "outcome unknown");
  text += " [" + facts + "]";

  if (!server_text.empty()) {
    text += ": ";
    append_one_line(text, server_text);
  }
  return text;
}

}  // namespace xabridge
