// Names and meanings of XA codes and flags: one table each.

#include <array>
#include <cstdio>
#include <xabridge/codes.hpp>

namespace xabridge {
namespace {

struct Code {
  int value;
  std::string_view name;
  std::string_view meaning;
};

constexpr std::array codes{
    Code{XA_OK, "XA_OK", "done"},
    Code{XA_RDONLY, "XA_RDONLY", "nothing was changed, the branch is finished"},
    Code{XA_RETRY, "XA_RETRY", "not possible now, to be called again"},
    Code{XA_HEURMIX, "XA_HEURMIX", "heuristically committed in part and rolled back in part"},
    Code{XA_HEURRB, "XA_HEURRB", "heuristically rolled back"},
    Code{XA_HEURCOM, "XA_HEURCOM", "heuristically committed"},
    Code{XA_HEURHAZ, "XA_HEURHAZ", "possibly completed heuristically"},
    Code{XA_NOMIGRATE, "XA_NOMIGRATE", "suspended, only this thread may resume"},
    Code{XA_RBROLLBACK, "XA_RBROLLBACK", "rolled back"},
    Code{XA_RBCOMMFAIL, "XA_RBCOMMFAIL", "rolled back: communication failure"},
    Code{XA_RBDEADLOCK, "XA_RBDEADLOCK", "rolled back: deadlock"},
    Code{XA_RBINTEGRITY, "XA_RBINTEGRITY", "rolled back: integrity rule violated"},
    Code{XA_RBOTHER, "XA_RBOTHER", "rolled back: another reason"},
    Code{XA_RBPROTO, "XA_RBPROTO", "rolled back: called in a wrong context"},
    Code{XA_RBTIMEOUT, "XA_RBTIMEOUT", "rolled back: it took too long"},
    Code{XA_RBTRANSIENT, "XA_RBTRANSIENT", "rolled back: transient, may be tried again"},
    Code{XAER_ASYNC, "XAER_ASYNC", "asynchronous call not possible"},
    Code{XAER_RMERR, "XAER_RMERR", "resource manager error"},
    Code{XAER_NOTA, "XAER_NOTA", "XID not known here"},
    Code{XAER_INVAL, "XAER_INVAL", "invalid argument or flag"},
    Code{XAER_PROTO, "XAER_PROTO", "called in the wrong context"},
    Code{XAER_RMFAIL, "XAER_RMFAIL", "resource manager unavailable"},
    Code{XAER_DUPID, "XAER_DUPID", "XID exists already"},
    Code{XAER_OUTSIDE, "XAER_OUTSIDE", "work outside any global transaction is going on"},
};

struct Flag {
  long value;
  std::string_view name;
};

constexpr std::array flags{
    Flag{TMASYNC, "TMASYNC"},       Flag{TMONEPHASE, "TMONEPHASE"},
    Flag{TMFAIL, "TMFAIL"},         Flag{TMNOWAIT, "TMNOWAIT"},
    Flag{TMRESUME, "TMRESUME"},     Flag{TMSUCCESS, "TMSUCCESS"},
    Flag{TMSUSPEND, "TMSUSPEND"},   Flag{TMSTARTRSCAN, "TMSTARTRSCAN"},
    Flag{TMENDRSCAN, "TMENDRSCAN"}, Flag{TMMULTIPLE, "TMMULTIPLE"},
    Flag{TMJOIN, "TMJOIN"},         Flag{TMMIGRATE, "TMMIGRATE"},
};

struct XaCategory final : std::error_category {
  [[nodiscard]] const char* name() const noexcept override { return "xa"; }
  [[nodiscard]] std::string message(int code) const override {
    return std::string(code_meaning(code)) + " (" + code_name(code) + ")";
  }
  /// Two copies of this library in one process mean the same.
  [[nodiscard]] bool equivalent(const std::error_code& code,
                                int condition) const noexcept override {
    return std::string_view(code.category().name()) == name() && code.value() == condition;
  }
};

}  // namespace

const std::error_category& xa_category() noexcept {
  static const XaCategory category;
  return category;
}

std::string code_name(int code) {
  for (const auto& entry : codes)
    if (entry.value == code) return std::string(entry.name);
  return "XA code " + std::to_string(code);
}

std::string_view code_meaning(int code) noexcept {
  for (const auto& entry : codes)
    if (entry.value == code) return entry.meaning;
  return "a code the XA standard does not have";
}

std::string flags_text(long value) {
  if (value == TMNOFLAGS) return "TMNOFLAGS";
  std::string text;
  const auto add = [&](std::string_view name) {
    if (!text.empty()) text += '|';
    text += name;
  };
  for (const auto& flag : flags) {
    if ((value & flag.value) == 0) continue;
    add(flag.name);
    value &= ~flag.value;
  }
  if (value != 0) {
    std::array<char, 24> digits{};
    std::snprintf(digits.data(), digits.size(), "0x%lx", static_cast<unsigned long>(value));
    add(digits.data());
  }
  return text;
}

}  // namespace xabridge
