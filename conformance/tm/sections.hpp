// Where the bodies of the statements about transaction managers are.
#pragma once

#include <functional>
#include <map>
#include <string_view>

#include "stage.hpp"

namespace tm_conformance {

using Bodies = std::map<std::string_view, std::function<void()>>;

const Bodies& section_d();           // dynamic registration
const Bodies& section_h();           // TX interface
const Bodies& section_k();           // commitment
const Bodies& section_k_recovery();  // recovery, with and without a crash

/// K08 - K11: this program again, as the transaction manager that is killed. Does not return.
[[noreturn]] void run_victim(const std::string& directory, const std::string& event);

}  // namespace tm_conformance
