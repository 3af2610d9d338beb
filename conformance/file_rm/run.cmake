# Runs xa-conformance on a directory of its own: cmake -DPROGRAM= -DFILE_RM= -DWORK= -DLIBRARY=
# -DSYMBOL= -DDIRECTORY= -P run.cmake
file(REMOVE_RECURSE ${DIRECTORY})
file(MAKE_DIRECTORY ${DIRECTORY})
execute_process(COMMAND ${PROGRAM} --switch ${LIBRARY} --symbol ${SYMBOL}
  --open "directory=${DIRECTORY} sync=no" --unreachable "directory=${DIRECTORY}/missing"
  --work ${WORK} --hook "restart=${FILE_RM} restart ${DIRECTORY}"
  --capability join,susp,mig,heur,rdo
  RESULT_VARIABLE code)
file(REMOVE_RECURSE ${DIRECTORY})
if(NOT code EQUAL 0)
  message(FATAL_ERROR "${SYMBOL}: xa-conformance returned ${code}")
endif()
