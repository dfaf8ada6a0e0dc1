# panal_flags: what every library of ours is compiled with.
add_library(panal_flags INTERFACE)
target_include_directories(panal_flags INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(
  panal_flags
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wshadow
            -Wconversion
            -Wsign-conversion
            -Wold-style-cast
            -Wnon-virtual-dtor
            -Woverloaded-virtual
            -Wcast-qual
            -Werror)
if(PANAL_SANITIZE STREQUAL "thread")
  # g++ 12 rejects Asio's fences under the thread sanitizer.
  target_compile_options(panal_flags INTERFACE -Wno-tsan)
endif()
target_compile_definitions(panal_flags INTERFACE PANAL_VERSION="${PROJECT_VERSION}" BOOST_ASIO_NO_DEPRECATED)

if(PANAL_SANITIZE)
  # g++ 12 sees uninitialised uses in what the sanitizers add.
  target_compile_options(panal_flags INTERFACE -Wno-maybe-uninitialized)
  target_compile_options(panal_flags INTERFACE -fsanitize=${PANAL_SANITIZE} -fno-sanitize-recover=all
                         -fno-omit-frame-pointer)
  target_link_options(panal_flags INTERFACE -fsanitize=${PANAL_SANITIZE})
  if(PANAL_FUZZ)
    # Counts edges for libFuzzer, and ends on what is otherwise only reported.
    target_compile_options(panal_flags INTERFACE -fsanitize=fuzzer-no-link -fno-sanitize-recover=all)
  endif()
else()
  # Hardening of the shipped binary; _FORTIFY_SOURCE wants optimisation.
  target_compile_options(panal_flags INTERFACE -fstack-protector-strong $<$<CONFIG:Release>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
  target_link_options(panal_flags INTERFACE -Wl,-z,relro,-z,now)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported()

find_program(PANAL_LINKER mold)
if(PANAL_LINKER)
  target_link_options(panal_flags INTERFACE -fuse-ld=mold)
endif()

# panal_library(NAME SOURCES ...  LINKS ...): a folder's static library.
function(panal_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC panal_flags ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
endfunction()

# panal_test(NAME SOURCES ... LINKS ... LABEL unit TIMEOUT seconds): a doctest
# program that ctest runs as one suite. Its main is compiled once for all, and
# assertions are compiled for speed of building, not of running.
function(panal_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  target_link_libraries(${name} PRIVATE panal_flags panal_test_main doctest::doctest ${ARG_LINKS})
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY "${PROJECT_BINARY_DIR}")
  if(PANAL_SANITIZE STREQUAL "thread") # as tests/support/process.hpp
    math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * 8")
  endif()
  # 77: all of its cases lacked what they need (tests/main.cpp).
  set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT}
                                          SKIP_RETURN_CODE 77)
endfunction()
