# Finds MySQL Connector/C++ with its JDBC-style API: target MySQL::ConnectorCPP. Serves our build,
# and is installed for who links the component mysql. Variables to set where it is in an unusual
# place: MYSQLCPPCONN_INCLUDE_DIR, MYSQLCPPCONN_LIBRARY.

find_path(MYSQLCPPCONN_INCLUDE_DIR NAMES mysql/jdbc.h cppconn/driver.h
  DOC "Headers of MySQL Connector/C++ (package libmysqlcppconn-dev)")
find_library(MYSQLCPPCONN_LIBRARY NAMES mysqlcppconn
  DOC "MySQL Connector/C++ with the JDBC-style API (package libmysqlcppconn-dev)")
mark_as_advanced(MYSQLCPPCONN_INCLUDE_DIR MYSQLCPPCONN_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(MySQLConnectorCPP
  REQUIRED_VARS MYSQLCPPCONN_LIBRARY MYSQLCPPCONN_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "MySQL Connector/C++ is in Debian's package libmysqlcppconn-dev")

if(MySQLConnectorCPP_FOUND AND NOT TARGET MySQL::ConnectorCPP)
  add_library(MySQL::ConnectorCPP UNKNOWN IMPORTED)
  set_target_properties(MySQL::ConnectorCPP PROPERTIES
    IMPORTED_LOCATION "${MYSQLCPPCONN_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${MYSQLCPPCONN_INCLUDE_DIR}")
endif()
