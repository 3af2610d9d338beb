# What every target of ours has in common: language level, warnings, sanitizers, output folders.
# Nothing here is exported; a consumer sees only the include folders and the libraries.

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)

# Another checkout of the same sources finds what this one compiled: paths in it are relative, and
# no debug information names the folder it was compiled in. ccache takes a precompiled header only
# when told that it may overlook macros and dates in it.
find_program(XABRIDGE_CCACHE ccache)
if(XABRIDGE_CCACHE AND PROJECT_IS_TOP_LEVEL)
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=true
    CCACHE_SLOPPINESS=pch_defines,time_macros ${XABRIDGE_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

add_library(xabridge_options INTERFACE)
target_compile_features(xabridge_options INTERFACE cxx_std_20)
target_compile_options(xabridge_options INTERFACE
  -Wall -Wextra -Wpedantic
  $<$<COMPILE_LANGUAGE:CXX>:-Wshadow -Wnon-virtual-dtor -Woverloaded-virtual>
  -Wconversion -Wcast-qual -Wformat=2
  # Of a header that is precompiled g++ 12 forgets that it is the system's, and optimised code of
  # std::string and std::variant makes it warn of what cannot happen.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overread>
  # Libraries and programs alike, so that they share a precompiled header.
  -fPIC
  $<$<BOOL:${XABRIDGE_WERROR}>:-Werror>)
if(XABRIDGE_SANITIZE)
  target_compile_options(xabridge_options INTERFACE
    -fsanitize=${XABRIDGE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(xabridge_options INTERFACE -fsanitize=${XABRIDGE_SANITIZE})
endif()

# xabridge_compile_alone(<target> <file>...): not put together with others where a build compiles
# many files as one (CMAKE_UNITY_BUILD, in the presets of the sanitizers), because a name in it is
# another's, too.
function(xabridge_compile_alone target)
  set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target}
    PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# A fast linker for what nobody installs: test programs, and all of a sanitizer build.
find_program(XABRIDGE_MOLD mold)
set(XABRIDGE_TEST_LINK_OPTIONS)
if(XABRIDGE_MOLD)
  set(XABRIDGE_TEST_LINK_OPTIONS -fuse-ld=mold)
  if(XABRIDGE_SANITIZE)
    target_link_options(xabridge_options INTERFACE ${XABRIDGE_TEST_LINK_OPTIONS})
  endif()
endif()

# xabridge_configure(<target>): our settings on one of our targets. Symbols are hidden unless
# a public header marks them with XABRIDGE_API.
function(xabridge_configure target)
  xabridge_configure_options(${target})
  xabridge_use_precompiled(${target} xabridge_precompiled)
endfunction()

# Targets of C have nothing to gain from it.
function(xabridge_use_precompiled target holder)
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.c$")
  if(NOT sources)
    target_precompile_headers(${target} REUSE_FROM ${holder})
  endif()
endfunction()

function(xabridge_configure_options target)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:xabridge_options>)
  set_target_properties(${target} PROPERTIES
    CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE OFF CXX_EXTENSIONS OFF)
endfunction()

# xabridge_precompile(<target> <folder>): makes `target` the holder of the header that
# <folder>/precompiled.hpp collects, for targets that are compiled with the same options.
# A file still includes what it uses: the presets dev, tidy and fuzz do without precompiled headers
# (CMAKE_DISABLE_PRECOMPILE_HEADERS), and there a missing include is an error.
function(xabridge_precompile target folder)
  add_library(${target} OBJECT EXCLUDE_FROM_ALL ${folder}/precompiled.cpp)
  xabridge_configure_options(${target})
  target_precompile_headers(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:${folder}/precompiled.hpp>)
endfunction()

xabridge_precompile(xabridge_precompiled ${CMAKE_CURRENT_LIST_DIR})
