# What every target of ours has in common: language level, warnings, sanitizers, output folders.
# Nothing here is exported; a consumer sees only the include folders and the libraries.

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)

find_program(XABRIDGE_CCACHE ccache)
if(XABRIDGE_CCACHE AND PROJECT_IS_TOP_LEVEL)
  set(CMAKE_C_COMPILER_LAUNCHER ${XABRIDGE_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${XABRIDGE_CCACHE})
endif()

add_library(xabridge_options INTERFACE)
target_compile_features(xabridge_options INTERFACE cxx_std_20)
target_compile_options(xabridge_options INTERFACE
  -Wall -Wextra -Wpedantic
  $<$<COMPILE_LANGUAGE:CXX>:-Wshadow -Wnon-virtual-dtor -Woverloaded-virtual>
  -Wconversion -Wcast-qual -Wformat=2
  $<$<BOOL:${XABRIDGE_WERROR}>:-Werror>)
if(XABRIDGE_SANITIZE)
  target_compile_options(xabridge_options INTERFACE
    -fsanitize=${XABRIDGE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(xabridge_options INTERFACE -fsanitize=${XABRIDGE_SANITIZE})
endif()

# xabridge_configure(<target>): our settings on one of our targets. Symbols are hidden unless
# a public header marks them with XABRIDGE_API.
function(xabridge_configure target)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:xabridge_options>)
  set_target_properties(${target} PROPERTIES
    CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF)
endfunction()
