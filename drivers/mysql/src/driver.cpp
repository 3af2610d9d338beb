// The driver: reads open strings, and tells what an exception of the application says about its
// branch.
#include <xabridge/rm/session.hpp>

#include "errors.hpp"
#include "server.hpp"

namespace xabridge::mysql {
namespace {

class MysqlDriver final : public rm::Driver {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "mysql"; }

  Result<std::unique_ptr<rm::Server>> parse(std::string_view open_string) override {
    auto settings = parse_settings(open_string);
    if (!settings) return settings.error();
    return std::unique_ptr<rm::Server>(std::make_unique<MysqlServer>(*std::move(settings)));
  }

  [[nodiscard]] int classify(const std::exception& exception) const noexcept override {
    const auto* failure = dynamic_cast<const sql::SQLException*>(&exception);
    if (failure == nullptr) return XA_OK;
    const int escaped = escaped_code(*failure);
    if (escaped != XA_OK || failure->getErrorCode() == 0) return escaped;
    return XA_RBOTHER;  // the server said what is wrong: a connection that is lost later is not why
  }

  /// It met a server that has become read-only.
  [[nodiscard]] bool says_outdated(const std::exception& exception) const noexcept override {
    const auto* failure = dynamic_cast<const sql::SQLException*>(&exception);
    return failure != nullptr && says_read_only(failure->getErrorCode(), failure->what());
  }
};

}  // namespace

rm::Driver& driver() noexcept {
  static auto* const object = new MysqlDriver;  // threads may outlive static destruction
  return *object;
}

}  // namespace xabridge::mysql
