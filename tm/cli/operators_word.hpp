// What an operator says about records in the log. A record is written by whoever holds the slot it
// is in: those of processes that ended are seen to here, in the log itself; a running process is
// left word (../src/register/file/acknowledgements.hpp), and takes it in its next recovery pass.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "../src/register/file/file_register.hpp"
#include "command.hpp"

namespace xabridge::cli {

/// The log, opened to write in the slots that are free or whose owners died. What the register has
/// to tell goes to standard error.
[[nodiscard]] Result<std::unique_ptr<tm::FileRegister>> open_log(const Config& config);

/// Until `taken` says that running processes have taken what was left, or a pass of theirs should
/// be over.
void wait_until_taken(const Config& config, const std::function<bool()>& taken);

/// Not taken in time. `record`: for people.
void tell_left(const std::string& record);

}  // namespace xabridge::cli
