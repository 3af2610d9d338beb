// Around a C++ fragment of the function given to run(): the transaction, and values to bind.
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include <xabridge/mysql.hpp>
#include <xabridge/postgresql.hpp>

//--- block
namespace block_@line@ {
[[maybe_unused]] void fragment([[maybe_unused]] xabridge::Transaction& tx,
                               [[maybe_unused]] std::int64_t account,
                               [[maybe_unused]] std::int64_t amount) {
@block@
}
}  // namespace block_@line@
