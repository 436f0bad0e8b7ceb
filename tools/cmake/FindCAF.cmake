# Debian's libcaf-dev 0.17.6 has no CMake config of its own. Only the core is used: nodes do not meet
# through CAF's middleman (docs/decisions/0002).
find_path(CAF_INCLUDE_DIR caf/all.hpp)
find_library(CAF_CORE_LIBRARY caf_core)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CAF REQUIRED_VARS CAF_CORE_LIBRARY CAF_INCLUDE_DIR)
if(CAF_FOUND AND NOT TARGET caf::core)
  file(STRINGS "${CAF_INCLUDE_DIR}/caf/config.hpp" caf_version REGEX "#define CAF_VERSION ")
  if(NOT caf_version MATCHES "1706")
    message(FATAL_ERROR "Dunlin is written for CAF 0.17.6, found: ${caf_version}")
  endif()
  find_package(Threads REQUIRED)
  add_library(caf::core UNKNOWN IMPORTED)
  set_target_properties(caf::core PROPERTIES IMPORTED_LOCATION "${CAF_CORE_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}")
  target_link_libraries(caf::core INTERFACE Threads::Threads)
endif()
