# What is installed, and where: libraries with their headers, the CMake package xabridge with a
# component for each library, a pkg-config file for each, programs. Everything may be moved after
# it was installed: nothing knows the prefix.
#
# Install components (cmake --install DIR --component NAME), which are also the Debian packages
# (XabridgePackages.cmake): runtime, mysql-runtime, development, mysql-development, tools,
# and, where the tests are built, conformance.

# One build serves every prefix, /usr of the packages included. So Debian's own library folder
# is used under all of them, as Meson does it; GNUInstallDirs alone would do so under /usr only.
# Inside somebody else's build it is theirs to decide.
if(XABRIDGE_INSTALL AND NOT DEFINED CMAKE_INSTALL_LIBDIR AND CMAKE_LIBRARY_ARCHITECTURE
    AND EXISTS /etc/debian_version)
  set(CMAKE_INSTALL_LIBDIR lib/${CMAKE_LIBRARY_ARCHITECTURE} CACHE PATH
    "Library folder, relative to the prefix")
endif()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

foreach(folder BINDIR LIBDIR INCLUDEDIR)
  if(XABRIDGE_INSTALL AND IS_ABSOLUTE "${CMAKE_INSTALL_${folder}}")
    message(FATAL_ERROR "CMAKE_INSTALL_${folder} is ${CMAKE_INSTALL_${folder}}, but must be "
      "relative to the prefix: what is installed finds its parts by their places to each other")
  endif()
endforeach()

set(XABRIDGE_INSTALL_CMAKEDIR ${CMAKE_INSTALL_LIBDIR}/cmake/xabridge)
set(XABRIDGE_INSTALL_PKGCONFIGDIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The first thing that an installation does: after a build of some targets (scripts/demo) it would
# stop in the middle, with a file that nobody knows. A component is installed without this.
if(XABRIDGE_INSTALL)
  add_library(xabridge_installed INTERFACE)
  set(files $<TARGET_PROPERTY:xabridge_installed,INSTALLED_FILES>)
  install(CODE "
    set(missing \"\")
    foreach(file IN ITEMS $<TARGET_GENEX_EVAL:xabridge_installed,${files}>)
      if(NOT EXISTS \"\${file}\")
        get_filename_component(name \"\${file}\" NAME)
        string(APPEND missing \" \${name}\")
      endif()
    endforeach()
    if(missing)
      message(FATAL_ERROR \"Not everything that is installed has been built. Missing:\${missing}. \"
        \"Build it first: cmake --build ${PROJECT_BINARY_DIR}\")
    endif()")
endif()

# It is built before anything is installed.
function(xabridge_must_be_built target)
  set_property(TARGET xabridge_installed APPEND PROPERTY INSTALLED_FILES $<TARGET_FILE:${target}>)
endfunction()

# `result` becomes the way from one folder below the prefix to another.
function(xabridge_relative_path result from to)
  file(RELATIVE_PATH path /prefix/${from} /prefix/${to})
  string(REGEX REPLACE "/$" "" path "${path}")
  set(${result} ${path} PARENT_SCOPE)
endfunction()

# xabridge_install_library(<target> NAME <component of the CMake package> DEVELOPMENT <component>
#                          DESCRIPTION <text> [RUNTIME <component>]
#                          [REQUIRES <pkg-config module>...] [LIBS <linker flag>...])
# Installs the library, every header in the include folders beside the calling CMakeLists.txt, and
# what a consumer finds it by.
function(xabridge_install_library target)
  cmake_parse_arguments(I "" "NAME;RUNTIME;DEVELOPMENT;DESCRIPTION"
    "REQUIRES;LIBS" ${ARGN})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${I_NAME})
  if(NOT XABRIDGE_INSTALL)
    return()
  endif()
  if(NOT I_RUNTIME)
    set(I_RUNTIME ${I_DEVELOPMENT})
  endif()
  xabridge_must_be_built(${target})
  install(TARGETS ${target} EXPORT xabridge-${I_NAME}-targets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${I_RUNTIME}
      NAMELINK_COMPONENT ${I_DEVELOPMENT}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${I_DEVELOPMENT})
  get_target_property(type ${target} TYPE)
  if(type STREQUAL STATIC_LIBRARY)
    # cmake --install --strip and CPack leave archives alone.
    set(archive ${CMAKE_INSTALL_LIBDIR}/$<TARGET_FILE_NAME:${target}>)
    install(CODE "if(CMAKE_INSTALL_DO_STRIP)
      execute_process(COMMAND \"${CMAKE_STRIP}\" --strip-debug --enable-deterministic-archives
        \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${archive}\" COMMAND_ERROR_IS_FATAL ANY)
    endif()" COMPONENT ${I_DEVELOPMENT})
  endif()
  install(EXPORT xabridge-${I_NAME}-targets NAMESPACE xabridge::
    DESTINATION ${XABRIDGE_INSTALL_CMAKEDIR} COMPONENT ${I_DEVELOPMENT})

  foreach(folder ${CMAKE_CURRENT_SOURCE_DIR}/include/ ${CMAKE_CURRENT_BINARY_DIR}/include/)
    if(EXISTS ${folder})
      install(DIRECTORY ${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT ${I_DEVELOPMENT}
        FILES_MATCHING REGEX "\\.(h|hpp)$")
    endif()
  endforeach()
  xabridge_install_pkgconfig(${target} "${I_NAME}" "${I_DEVELOPMENT}" "${I_DESCRIPTION}"
    "${I_REQUIRES}" "${I_LIBS}")
endfunction()

# The transaction manager's file is xabridge.pc, another component's xabridge-NAME.pc.
function(xabridge_install_pkgconfig target name component description requires libs)
  set(PC_NAME xabridge-${name})
  if(name STREQUAL tm)
    set(PC_NAME xabridge)
  endif()
  set(PC_DESCRIPTION ${description})
  xabridge_relative_path(PC_PREFIX ${XABRIDGE_INSTALL_PKGCONFIGDIR} .)
  list(JOIN requires ", " PC_REQUIRES)
  get_target_property(output ${target} OUTPUT_NAME)
  if(NOT output)
    set(output ${target})
  endif()
  string(JOIN " " PC_LIBS -l${output} ${libs})
  configure_file(${PROJECT_SOURCE_DIR}/cmake/xabridge.pc.in
    ${PROJECT_BINARY_DIR}/pkgconfig/${PC_NAME}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/pkgconfig/${PC_NAME}.pc
    DESTINATION ${XABRIDGE_INSTALL_PKGCONFIGDIR} COMPONENT ${component})
endfunction()

# xabridge_install_program(<target> COMPONENT <component>): it finds libraries of ours, also those
# it loads, in the library folder of its own prefix.
function(xabridge_install_program target)
  cmake_parse_arguments(I "" "COMPONENT" "" ${ARGN})
  xabridge_relative_path(path ${CMAKE_INSTALL_BINDIR} ${CMAKE_INSTALL_LIBDIR})
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/${path}")
  if(XABRIDGE_INSTALL)
    xabridge_must_be_built(${target})
    install(TARGETS ${target} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${I_COMPONENT})
  endif()
endfunction()

# xabridge_install_module(<target> COMPONENT <component> [FOLDER <below the library folder>]):
# what is only ever loaded by name. It finds libraries of ours in the library folder.
function(xabridge_install_module target)
  cmake_parse_arguments(I "" "COMPONENT;FOLDER" "" ${ARGN})
  set(destination ${CMAKE_INSTALL_LIBDIR})
  set(path "$ORIGIN")
  if(I_FOLDER)
    string(APPEND destination /${I_FOLDER})
    xabridge_relative_path(path ${destination} ${CMAKE_INSTALL_LIBDIR})
    set(path "$ORIGIN/${path}")
  endif()
  set_target_properties(${target} PROPERTIES INSTALL_RPATH ${path})
  if(XABRIDGE_INSTALL)
    xabridge_must_be_built(${target})
    install(TARGETS ${target} LIBRARY DESTINATION ${destination} COMPONENT ${I_COMPONENT})
  endif()
endfunction()

if(XABRIDGE_INSTALL)
  configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/xabridge-config.cmake.in
    ${PROJECT_BINARY_DIR}/cmake/xabridge-config.cmake
    INSTALL_DESTINATION ${XABRIDGE_INSTALL_CMAKEDIR} NO_CHECK_REQUIRED_COMPONENTS_MACRO)
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/xabridge-config-version.cmake
    COMPATIBILITY SameMajorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/cmake/xabridge-config.cmake
    ${PROJECT_BINARY_DIR}/cmake/xabridge-config-version.cmake
    DESTINATION ${XABRIDGE_INSTALL_CMAKEDIR} COMPONENT development)
  install(FILES ${CMAKE_CURRENT_LIST_DIR}/FindMySQLConnectorCPP.cmake
    DESTINATION ${XABRIDGE_INSTALL_CMAKEDIR} COMPONENT mysql-development)
endif()
