// Around a C++ fragment that stands outside of functions.
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include <xabridge/mysql.hpp>
#include <xabridge/postgresql.hpp>

//--- block
namespace block_@line@ {
@block@
}  // namespace block_@line@
