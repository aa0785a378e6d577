# ctest reads this when it starts, once for each test program. Every suite becomes one test of CTest's,
# <name>.<suite> or <name>.<driver>.<suite>, and several with .1, .2 … behind it if the suite has many
# tests. The tests of one of these run in one process: under a sanitizer a process takes longer to
# start than most tests to run.
#
# Given: program (its path), name, drivers (IEUM_DRIVER's values; or empty: not set), slow (whether its
# tests take seconds).
cmake_policy(VERSION 3.25)
# Of one process, so that the longest suites end with the others; and which begin first.
set(tests_max 20)
set(cost 0)
if(slow)
  set(tests_max 4)
  set(cost 100)
endif()

if(NOT EXISTS "${program}")
  add_test("${name}_NOT_BUILT" "${name}_NOT_BUILT")
  return()
endif()
execute_process(COMMAND "${program}" --gtest_list_tests --gtest_color=no
  OUTPUT_VARIABLE list ERROR_VARIABLE errors RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${program} --gtest_list_tests ended with ${status}: ${errors}")
endif()

# Sets tests_<suite> to the number of its tests, and `suites` to all.
string(REGEX REPLACE " *#[^\n]*" "" list "${list}")  # a parameter's value: may be anything
string(REPLACE "\n" ";" list "${list}")
set(suites)
foreach(line IN LISTS list)
  if(line MATCHES "^([^ ]+)\\.$")
    set(suite "${CMAKE_MATCH_1}")
    list(APPEND suites "${suite}")
    set("tests_${suite}" 0)
  elseif(line MATCHES "^ ")
    math(EXPR "tests_${suite}" "${tests_${suite}} + 1")
  endif()
endforeach()

function(add_suite test suite environment)
  math(EXPR parts "(${tests_${suite}} + ${tests_max} - 1) / ${tests_max}")
  foreach(part RANGE 1 ${parts})
    set(part_name "${test}")
    set(part_environment ${environment})
    if(parts GREATER 1)
      math(EXPR index "${part} - 1")
      string(APPEND part_name ".${part}")
      list(APPEND part_environment "GTEST_TOTAL_SHARDS=${parts}" "GTEST_SHARD_INDEX=${index}")
    endif()
    add_test("${part_name}" "${program}" "--gtest_filter=${suite}.*")
    set_tests_properties("${part_name}" PROPERTIES ENVIRONMENT "${part_environment}" COST ${cost})
  endforeach()
endfunction()

foreach(suite IN LISTS suites)
  if("${drivers}" STREQUAL "")
    add_suite("${name}.${suite}" "${suite}" "")
  endif()
  foreach(driver IN LISTS drivers)
    add_suite("${name}.${driver}.${suite}" "${suite}" "IEUM_DRIVER=${driver}")
  endforeach()
endforeach()
