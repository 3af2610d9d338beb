// Where an xa_switch_t comes from: a driver of ours loaded by name, any library that exports one,
// or an object linked into the program.
//
// Driver "postgresql" is the library libxabridge_postgresql.so, looked for beside libxabridge and
// then where the system looks, and in it the objects xabridge_postgresql_switch (or
// xabridge_postgresql_switch_dynamic) and its extras. A library once loaded stays: its threads may
// outlive any TransactionManager.
//
// A switch is looked at before it is used: a wrong version, an entry that is null or a name without
// an end mean that it is no xa_switch_t, and calling it would be the end of the process.
#pragma once

#include <string>
#include <string_view>
#include <xabridge/config.hpp>
#include <xabridge/error.hpp>

namespace xabridge::tm {

struct SwitchObject {
  const xa_switch_t* entries = nullptr;
  const xabridge_rm_extras_t* extras = nullptr;  // null: a foreign switch

  /// An entry that extras have since a version: `since(3, &xabridge_rm_extras_t::deadline)`. Null:
  /// this switch lacks it.
  template <class Entry>
  [[nodiscard]] Entry since(int version, Entry xabridge_rm_extras_t::*entry) const noexcept {
    return extras != nullptr && extras->version >= version ? extras->*entry : nullptr;
  }
};

[[nodiscard]] bool is_known_driver(std::string_view name) noexcept;
/// "postgresql, mysql"
[[nodiscard]] std::string known_drivers_text();

/// The switch of one configured resource manager. Errors name what was looked for and what the
/// loader said.
[[nodiscard]] Result<SwitchObject> find_switch(const ResourceManagerConfig& config);

}  // namespace xabridge::tm
