# Finds the C++ Actor Framework, for which Debian ships no CMake package.
#
#   find_package(CAF 0.17.6 EXACT REQUIRED COMPONENTS core io)
#   -> caf::core, caf::io
find_path(CAF_INCLUDE_DIR NAMES caf/all.hpp)
set(_caf_required CAF_INCLUDE_DIR)
foreach(_component IN LISTS CAF_FIND_COMPONENTS)
  find_library(CAF_${_component}_LIBRARY NAMES caf_${_component})
  list(APPEND _caf_required CAF_${_component}_LIBRARY)
  if(CAF_INCLUDE_DIR AND CAF_${_component}_LIBRARY)
    set(CAF_${_component}_FOUND TRUE)
    if(NOT TARGET caf::${_component})
      add_library(caf::${_component} UNKNOWN IMPORTED)
      set_target_properties(
        caf::${_component}
        PROPERTIES IMPORTED_LOCATION "${CAF_${_component}_LIBRARY}"
                   INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}")
    endif()
  endif()
endforeach()

# CAF_VERSION is one number there: 1706 means 0.17.6.
if(CAF_INCLUDE_DIR)
  file(STRINGS "${CAF_INCLUDE_DIR}/caf/config.hpp" _version
       REGEX "define CAF_VERSION [0-9]+")
  string(REGEX REPLACE ".*CAF_VERSION ([0-9]+).*" "\\1" _version "${_version}")
  math(EXPR _minor "(${_version} / 100) % 100")
  math(EXPR _patch "${_version} % 100")
  set(CAF_VERSION "0.${_minor}.${_patch}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  CAF
  REQUIRED_VARS ${_caf_required}
  VERSION_VAR CAF_VERSION
  HANDLE_COMPONENTS)

find_package(Threads REQUIRED)
if(TARGET caf::core)
  set_property(TARGET caf::core PROPERTY INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
if(TARGET caf::io)
  set_property(TARGET caf::io PROPERTY INTERFACE_LINK_LIBRARIES caf::core)
endif()
