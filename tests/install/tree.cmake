# Installs into an empty prefix, as a user would: cmake -DBUILD= -DTREE= -P tree.cmake
file(REMOVE_RECURSE ${TREE})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${TREE} --strip
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
