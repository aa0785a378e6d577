# `cmake --install`: headers, library, find_package(ieum) and pkg-config. Nothing that is installed
# contains the prefix, so the tree may be moved as a whole.
include(CMakePackageConfigHelpers)

set(ieum_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/ieum")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.hpp")
install(TARGETS ieum EXPORT ieumTargets)
if(BUILD_SHARED_LIBS AND TARGET ieum_command)  # it finds the library beside itself
  set_target_properties(ieum_command PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
endif()
install(EXPORT ieumTargets NAMESPACE ieum:: DESTINATION "${ieum_cmake_dir}")

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/ieumConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/ieumConfig.cmake" INSTALL_DESTINATION "${ieum_cmake_dir}")
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/ieumConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/ieumConfig.cmake"
  "${PROJECT_BINARY_DIR}/ieumConfigVersion.cmake" DESTINATION "${ieum_cmake_dir}")

# The .pc file finds its prefix from where it lies. Whoever links the static library needs also what
# that library needs, and pkg-config says so if it is not there; the shared one brings it along.
file(RELATIVE_PATH ieum_pc_prefix "/p/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/p")
set(ieum_pc_requires "")
set(ieum_pc_libs "")
if(NOT BUILD_SHARED_LIBS)
  set(ieum_pc_libs " ${CMAKE_THREAD_LIBS_INIT}")
  find_program(IEUM_PKG_CONFIG pkg-config)
  mark_as_advanced(IEUM_PKG_CONFIG)
  set(ieum_pc_libraries cares uring)
  if(ieum_tls)
    list(APPEND ieum_pc_libraries ssl crypto)
  endif()
  if(ieum_zlib)
    list(APPEND ieum_pc_libraries z)
  endif()
  if(ieum_brotli)
    list(APPEND ieum_pc_libraries brotlidec)
  endif()
  foreach(library IN LISTS ieum_pc_libraries)
    set(status 1)
    if(IEUM_PKG_CONFIG)
      execute_process(COMMAND "${IEUM_PKG_CONFIG}" --exists lib${library} RESULT_VARIABLE status)
    endif()
    if(status EQUAL 0)
      string(APPEND ieum_pc_requires " lib${library}")
    else()  # it came without a .pc file
      string(APPEND ieum_pc_libs " -l${library}")
    endif()
  endforeach()
endif()
configure_file("${PROJECT_SOURCE_DIR}/cmake/ieum.pc.in" "${PROJECT_BINARY_DIR}/ieum.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/ieum.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
