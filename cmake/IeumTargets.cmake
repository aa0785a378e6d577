# Helpers for declaring this project's targets.

# The warnings, on every target of ours and on nobody else's.
function(ieum_target_defaults target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow
    # g++ also warns of a protected destructor when a friend is declared.
    $<$<CXX_COMPILER_ID:Clang>:-Wnon-virtual-dtor>
    -Wconversion -Wno-sign-conversion  # clang's -Wconversion brings -Wsign-conversion along
    # g++ 12 takes a coroutine's destroyed frame for memory that is used again.
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-use-after-free>
    # Errors print source places: without the builder's folder.
    -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=
    # A precompiled header without its time: ccache then knows it again.
    $<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>
    $<$<BOOL:${IEUM_WERROR}>:-Werror>)
endfunction()

# Compiles the target's commonest headers once, and those given; they are for speed only: each source
# includes what it needs, which CMAKE_DISABLE_PRECOMPILE_HEADERS shows (and `./dev tidy`).
function(ieum_precompile target)
  target_precompile_headers(${target} PRIVATE
    <algorithm> <array> <cerrno> <charconv> <chrono> <csignal> <cstdio> <cstdlib> <cstring>
    <deque> <functional> <map> <memory> <mutex> <optional> <set> <span> <string> <string_view>
    <thread> <utility> <vector>
    <ieum/ieum.hpp> ${ARGN})
endfunction()

# Sets `result` to whether an optional part is built. `option` is AUTO, ON or OFF, `packages` are
# what the part needs.
function(ieum_want option packages result)
  set(wanted FALSE)
  if("${${option}}" STREQUAL "AUTO")
    set(wanted ${PROJECT_IS_TOP_LEVEL})
    foreach(package IN LISTS packages)
      if(wanted)
        find_package(${package} QUIET)
        set(wanted ${${package}_FOUND})
      endif()
    endforeach()
  elseif(${option})
    foreach(package IN LISTS packages)
      find_package(${package} REQUIRED)
    endforeach()
    set(wanted TRUE)
  endif()
  set(${result} ${wanted} PARENT_SCOPE)
endfunction()

# One executable for each *.cpp of the calling directory: target <prefix>_<name>. The program is
# called like the target, or <name> alone if PLAIN_NAME is given; all targets go to `result`. EXCEPT:
# names that are left out.
function(ieum_add_programs prefix result)
  cmake_parse_arguments(PARSE_ARGV 2 arg "PLAIN_NAME" "" "LIBRARIES;INCLUDE_DIRECTORIES;EXCEPT")
  set(targets)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  foreach(source IN LISTS sources)
    cmake_path(GET source STEM name)
    if(name IN_LIST arg_EXCEPT)
      continue()
    endif()
    set(target ${prefix}_${name})
    add_executable(${target} "${source}")
    target_link_libraries(${target} PRIVATE ieum::ieum ${arg_LIBRARIES})
    target_include_directories(${target} PRIVATE ${arg_INCLUDE_DIRECTORIES})
    ieum_target_defaults(${target})
    if(arg_PLAIN_NAME)
      set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name})
    endif()
    list(APPEND targets ${target})
  endforeach()
  set(${result} ${targets} PARENT_SCOPE)
endfunction()
