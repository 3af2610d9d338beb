// Around a C++ fragment: everything public is included, and these are declared.
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include <xabridge/mysql.hpp>
#include <xabridge/postgresql.hpp>

//--- block
namespace block_@line@ {
[[maybe_unused]] void fragment([[maybe_unused]] xabridge::TransactionManager& tm,
                               [[maybe_unused]] xabridge::Config config) {
@block@
}
}  // namespace block_@line@
