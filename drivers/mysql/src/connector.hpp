// The one place that knows which Connector/C++ is installed, and its two rules about threads.
//
// Debian ships version 1.1 (<cppconn/...>, built on libmariadb), Oracle's packages 8 and 9 the same
// API as <mysql/jdbc.h>. Every use of the library starts with connector(): it makes the driver
// object exactly once (the library's own first call is not thread-safe) and registers the calling
// thread.
#pragma once

#if __has_include(<mysql/jdbc.h>)
#include <mysql/jdbc.h>
#else
#include <cppconn/connection.h>
#include <cppconn/datatype.h>
#include <cppconn/driver.h>
#include <cppconn/exception.h>
#include <cppconn/parameter_metadata.h>
#include <cppconn/prepared_statement.h>
#include <cppconn/resultset.h>
#include <cppconn/resultset_metadata.h>
#include <cppconn/statement.h>
#include <mysql_driver.h>
#endif

namespace xabridge::mysql {

/// The driver object, with the calling thread initialised for it; the thread's end undoes that.
sql::Driver& connector();

}  // namespace xabridge::mysql
