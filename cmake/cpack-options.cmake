# Read by cpack itself. Switches and accessor libraries that are loaded by name have no soname, and
# need none; cpack's warnings to developers about that would hide others.
set(CMAKE_SUPPRESS_DEVELOPER_WARNINGS ON)
