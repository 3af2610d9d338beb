// From open string to Server.

#include "driver.hpp"

#include "server.hpp"

namespace xabridge::postgresql {
namespace {

class Driver final : public rm::Driver {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "postgresql"; }
  [[nodiscard]] bool sends() const noexcept override { return true; }

  Result<std::unique_ptr<rm::Server>> parse(std::string_view open_string) override {
    auto options = Options::parse(open_string);
    if (!options) return std::move(options.error());
    return std::unique_ptr<rm::Server>(std::make_unique<Server>(*std::move(options)));
  }
};

}  // namespace

rm::Driver& driver() noexcept {
  static auto* const instance = new Driver;
  return *instance;
}

}  // namespace xabridge::postgresql
