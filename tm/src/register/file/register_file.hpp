// The `register` file of a log root: the 16 random bytes that make its XIDs unlike any other
// root's. Made once, never changed.
//
// 32 bytes, little-endian:
//    0  8 magic "xabridge"     8 4 layout version of the root (2), which is that of its XIDs
//   12 16 register id         28 4 CRC-32C of bytes 0..27
//
// A root of layout version 1 holds decisions on XIDs that are foreign ones now (identity.hpp).
// Opening it says so, instead of leaving their branches alone for ever.
#pragma once

#include "../../environment.hpp"
#include "../identity.hpp"

namespace xabridge::tm {

struct OpenedRegister {
  RegisterId id{};
  bool made = false;  // by this call
};

/// Makes the root and its register file where missing; both durable on return. Any number of
/// processes may do this at once and get the same id.
[[nodiscard]] Result<OpenedRegister> open_register_file(Environment& environment,
                                                        const std::filesystem::path& root);

/// Nothing of a decision log is there: neither a register file nor slots. An unmounted volume looks
/// like this.
[[nodiscard]] Result<bool> is_unused(FileSystem& files, const std::filesystem::path& root);

/// Error also when there is none.
[[nodiscard]] Result<RegisterId> read_register_file(FileSystem& files,
                                                    const std::filesystem::path& root);

}  // namespace xabridge::tm
