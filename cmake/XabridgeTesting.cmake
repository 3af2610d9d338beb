# How a test program is declared; see tests/CMakeLists.txt.
find_package(Catch2 REQUIRED)
include(Catch)

# The Catch2 main function is compiled once: with version 2 it is the slow part of every program.
add_library(xabridge_test_main STATIC ${PROJECT_SOURCE_DIR}/tests/support/main.cpp)
target_include_directories(xabridge_test_main PUBLIC ${PROJECT_SOURCE_DIR}/tests/support)
target_link_libraries(xabridge_test_main PUBLIC Catch2::Catch2)
target_compile_options(xabridge_test_main PRIVATE -fPIC -O0 -g0)
if(XABRIDGE_SANITIZE)
  # Catch2 itself is not under test, and checking it for undefined behaviour would take longer to
  # compile than anything of ours.
  target_compile_options(xabridge_test_main PRIVATE
    -fsanitize=${XABRIDGE_SANITIZE} -fno-sanitize=undefined)
endif()

# Test code is compiled often and run briefly: optimising it would double the time of a build. Only
# a sanitizer's report wants to know the line.
if(XABRIDGE_SANITIZE)
  set(test_options -O0 -g1)
else()
  set(test_options -O0 -g0)
endif()
function(xabridge_test_code target)
  xabridge_configure_options(${target})
  target_compile_options(${target} PRIVATE ${test_options})
  target_link_options(${target} PRIVATE ${XABRIDGE_TEST_LINK_OPTIONS})
  xabridge_use_precompiled(${target} xabridge_test_precompiled)
endfunction()

xabridge_precompile(xabridge_test_precompiled ${PROJECT_SOURCE_DIR}/tests/support)
target_compile_options(xabridge_test_precompiled PRIVATE ${test_options})
target_link_libraries(xabridge_test_precompiled PRIVATE Catch2::Catch2)

# Every program with the label unit, and nothing else: all that a sanitizer build needs.
add_custom_target(unit_tests)

# xabridge_test(<name> LABELS <label>... SOURCES <file>... [LIBRARIES <target>...]
#               [SERVERS <postgresql|mysql|mariadb>...] [SERIAL] [TIMEOUT <seconds>])
# Each Catch2 test case becomes one ctest test, named <name>.<case>. With SERVERS, every case runs
# once per server: XABRIDGE_TEST_SERVER names it and the server's name is a label.
# SERIAL tests restart servers or need the machine for themselves.
function(xabridge_test name)
  cmake_parse_arguments(T "SERIAL" "TIMEOUT" "LABELS;SOURCES;LIBRARIES;SERVERS" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  set(c_sources ${T_SOURCES})
  list(FILTER c_sources INCLUDE REGEX "\\.c$")
  list(FILTER T_SOURCES EXCLUDE REGEX "\\.c$")
  add_executable(${name} ${T_SOURCES})
  xabridge_test_code(${name})
  target_link_libraries(${name} PRIVATE xabridge_test_main ${T_LIBRARIES})
  if(c_sources)
    add_library(${name}_c OBJECT ${c_sources})
    xabridge_test_code(${name}_c)
    target_link_libraries(${name}_c PRIVATE ${T_LIBRARIES})
    target_link_libraries(${name} PRIVATE ${name}_c)
  endif()
  if("unit" IN_LIST T_LABELS)
    add_dependencies(unit_tests ${name})
  endif()
  set(properties TIMEOUT ${T_TIMEOUT})
  if(T_SERIAL)
    list(APPEND properties RUN_SERIAL TRUE)
  endif()
  if(NOT T_SERVERS)
    catch_discover_tests(${name} TEST_PREFIX "${name}."
      PROPERTIES LABELS "${T_LABELS}" ${properties})
    return()
  endif()
  foreach(server IN LISTS T_SERVERS)
    set(labels ${T_LABELS} ${server})
    # Four expansions on, when it reaches ctest, this is a list of its own.
    list(JOIN labels "\\\\\\\;" labels)
    # MariaDB 10.11 loses a commit that meets the end of the session which prepared, and the more it
    # has to do, the longer such an end takes; until it is restarted every unknown branch is in
    # doubt there, in the tests after that too (docs/decisions/0006-server-traps.md).
    set(lock)
    if(server STREQUAL "mariadb" AND NOT T_SERIAL)
      set(lock RESOURCE_LOCK mariadb)
    endif()
    # --name changes nothing but makes the servers' generated files differ.
    catch_discover_tests(${name} TEST_PREFIX "${name}.${server}." TEST_LIST ${name}_${server}_TESTS
      EXTRA_ARGS --name ${server}
      PROPERTIES LABELS "${labels}" ENVIRONMENT "XABRIDGE_TEST_SERVER=${server}" ${properties}
        ${lock})
  endforeach()
endfunction()
