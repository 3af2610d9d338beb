# Debian packages through CPack: cmake --build DIR --target package leaves them in DIR/packages.
# One package for each install component. The MySQL driver's are its own because of the licence of
# what it links (drivers/mysql/README.md).

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_SOURCE_DIR}/cmake/cpack-options.cmake)
set(CPACK_PACKAGE_VENDOR "The xabridge authors")
# Every package has a description of its own; this one would be put before each.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(XABRIDGE_MAINTAINER "The xabridge authors <xabridge@localhost>" CACHE STRING
  "Who answers for the Debian packages: Name <address>")
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${XABRIDGE_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEB_COMPONENT_INSTALL ON)
# What a binary needs is what dpkg-shlibdeps says; and it can say so of ours.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY >=)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

foreach(component RUNTIME MYSQL-RUNTIME)
  set(CPACK_DEBIAN_${component}_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/cmake/debian/triggers)
endforeach()

set(version ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
set(number ${PROJECT_VERSION_MAJOR})
file(READ ${PROJECT_SOURCE_DIR}/LICENSE license)
string(REGEX MATCH "Copyright \\(c\\) ([^\n]+)" ignored "${license}")
set(copyright ${CMAKE_MATCH_1})
string(REGEX REPLACE "^.*\nPermission" "Permission" license "${license}")
string(STRIP "${license}" license)
string(REPLACE "\n\n" "\n.\n" license "${license}")
string(REPLACE "\n" "\n " license "${license}")

# xabridge_debian_package(<component> <package> SECTION <section> DESCRIPTION <line>...
#                         [DEPENDS|RECOMMENDS|SUGGESTS <package>...] [COPYRIGHT_NOTE <text>])
macro(xabridge_debian_package component package)
  cmake_parse_arguments(P "" "SECTION;COPYRIGHT_NOTE" "DESCRIPTION;DEPENDS;RECOMMENDS;SUGGESTS"
    ${ARGN})
  string(TOUPPER ${component} key)
  set(CPACK_DEBIAN_${key}_PACKAGE_NAME ${package})
  set(CPACK_DEBIAN_${key}_PACKAGE_SECTION ${P_SECTION})
  list(JOIN P_DESCRIPTION "\n" CPACK_DEBIAN_${key}_DESCRIPTION)
  foreach(relation DEPENDS RECOMMENDS SUGGESTS)
    list(JOIN P_${relation} ", " CPACK_DEBIAN_${key}_PACKAGE_${relation})
  endforeach()
  list(APPEND CPACK_COMPONENTS_ALL ${component})
  set(note ${P_COPYRIGHT_NOTE})
  configure_file(${PROJECT_SOURCE_DIR}/cmake/debian/copyright.in
    ${PROJECT_BINARY_DIR}/debian/${package}/copyright @ONLY)
  # Not for an installation without components, which has the licence once.
  install(FILES ${PROJECT_BINARY_DIR}/debian/${package}/copyright
    DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/${package} COMPONENT ${component}
    EXCLUDE_FROM_ALL)
endmacro()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR}
  COMPONENT licence)

string(JOIN "\n " connector_note " ."
  "This package links MySQL Connector/C++, which is under the GPL version 2"
  "with the Universal FOSS Exception: whoever ships it follows that licence, see"
  "/usr/share/common-licenses/GPL-2.\n")
set(about "xabridge makes a write to PostgreSQL and a write to MySQL or MariaDB one"
          "atomic transaction, over X/Open XA." ".")

xabridge_debian_package(runtime libxabridge${number} SECTION libs
  SUGGESTS "libxabridge-mysql${number} (= ${version})"
  DESCRIPTION "atomic transactions over PostgreSQL, MySQL and MariaDB" ${about}
    "The transaction manager, and the driver for PostgreSQL, which is also a"
    "switch for other transaction managers.")
xabridge_debian_package(mysql-runtime libxabridge-mysql${number} SECTION libs
  COPYRIGHT_NOTE ${connector_note}
  DESCRIPTION "MySQL and MariaDB driver of xabridge" ${about}
    "The driver for MySQL and MariaDB, which is also a switch for other"
    "transaction managers. It links MySQL Connector/C++.")
xabridge_debian_package(development libxabridge-dev SECTION libdevel
  DEPENDS "libxabridge${number} (= ${version})" libpq-dev
  SUGGESTS "libxabridge-mysql-dev (= ${version})"
  DESCRIPTION "atomic transactions over PostgreSQL, MySQL and MariaDB - headers" ${about}
    "For programs that use the transaction manager with PostgreSQL, and for"
    "switches of one's own: headers, CMake package, pkg-config files.")
xabridge_debian_package(mysql-development libxabridge-mysql-dev SECTION libdevel
  COPYRIGHT_NOTE ${connector_note}
  DEPENDS "libxabridge-dev (= ${version})" "libxabridge-mysql${number} (= ${version})"
    libmysqlcppconn-dev
  DESCRIPTION "MySQL and MariaDB driver of xabridge - headers" ${about}
    "For programs that use the transaction manager with MySQL or MariaDB.")
xabridge_debian_package(tools xabridge SECTION database
  DEPENDS "libxabridge${number} (= ${version})"
  RECOMMENDS "libxabridge-mysql${number} (= ${version})"
  DESCRIPTION "checks and recovers transactions over PostgreSQL, MySQL and MariaDB" ${about}
    "The program that checks the servers, shows what is in doubt, and finishes"
    "what dead programs left behind.")
if(XABRIDGE_BUILD_TESTS)
  xabridge_debian_package(conformance xa-conformance SECTION devel
    COPYRIGHT_NOTE ${connector_note}
    DEPENDS "libxabridge${number} (= ${version})"
    RECOMMENDS "libxabridge-mysql${number} (= ${version})"
    DESCRIPTION "tries resource managers against the contract of X/Open XA"
      "Any xa_switch_t is tried against numbered statements of the XA specification."
      "Libraries that do work at PostgreSQL, MySQL and MariaDB come with it; for"
      "other resource managers one is written in C.")
endif()

include(CPack)
