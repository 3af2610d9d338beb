// See opening.hpp.
#include "engine/opening.hpp"

#include <xabridge/rm_extras.h>

#include <future>
#include <memory>
#include <thread>
#include <xabridge/codes.hpp>

#include "engine/last_words.hpp"

namespace xabridge::conformance {
namespace {

constexpr int kRmid = 0;  // trials use those from 1

/// What the switch says of its answer, where it says anything.
std::string reason_of(const xabridge_rm_extras_t* extras) {
  xabridge_rm_error error{};
  if (extras == nullptr || extras->last_error == nullptr) return {};
  if (extras->last_error(kRmid, &error) != XA_OK) return {};
  std::string text = error.message;
  if (error.server_text[0] != '\0')
    text += (text.empty() ? "" : ": ") + std::string(error.server_text);
  return text;
}

std::optional<std::string> open_once(const Subject& subject) {
  std::string text = subject.open_string;
  const int answer = subject.entries->xa_open_entry(text.data(), kRmid, TMNOFLAGS);
  if (answer == XA_OK) {
    std::string none;
    (void)subject.entries->xa_close_entry(none.data(), kRmid, TMNOFLAGS);
    return std::nullopt;
  }
  const std::string reason = reason_of(static_cast<const xabridge_rm_extras_t*>(subject.extras));
  // A switch that says nothing more may be one that breaks the contract.
  if (reason.empty() && answer != XAER_INVAL) return std::nullopt;
  return "xa_open with this --open answers " + std::string(code_name(answer)) +
         (reason.empty() ? ": the open string is not one of this resource manager's"
                         : ": " + reason);
}

}  // namespace

std::optional<std::string> cannot_open(const Subject& subject) {
  if (subject.entries->xa_open_entry == nullptr || subject.entries->xa_close_entry == nullptr)
    return std::nullopt;
  now_trying("opening the resource manager");
  now_calling("xa_open");
  const auto answer = std::make_shared<std::promise<std::optional<std::string>>>();
  auto arrived = answer->get_future();
  // One that hangs is left behind; the statements tell of it.
  std::thread([answer, &subject] { answer->set_value(open_once(subject)); }).detach();
  if (arrived.wait_for(subject.limit) != std::future_status::ready) return std::nullopt;
  return arrived.get();
}

}  // namespace xabridge::conformance
