// The operating system's files behind FileSystem; see posix_environment() for the rest of it.
#pragma once

#include "../../environment.hpp"

namespace xabridge::tm {

/// Lives for ever. Thread-safe; the Files it opens are not.
[[nodiscard]] FileSystem& posix_file_system();

}  // namespace xabridge::tm
