# Finds what Headroom is built on; when one is missing or too old, one line says how to get it (tools/setup).
function(headroom_needs found what)
  if(NOT ${found})
    message(FATAL_ERROR "Headroom needs ${what}: run tools/setup")
  endif()
endfunction()

# Config packages, each with an imported target. BoostConfig is asked for by name: CMake's own FindBoost is deprecated.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 QUIET)
headroom_needs(OPENSSL_FOUND "OpenSSL 3.0 or newer (libssl-dev)")
find_package(simdjson CONFIG QUIET)
headroom_needs(simdjson_FOUND "simdjson (libsimdjson-dev)")
find_package(fmt CONFIG QUIET)
headroom_needs(fmt_FOUND "fmt (libfmt-dev)")
find_package(yaml-cpp CONFIG QUIET)
headroom_needs(yaml-cpp_FOUND "yaml-cpp (libyaml-cpp-dev)")
find_package(boost_headers CONFIG QUIET)
if(boost_headers_VERSION VERSION_LESS 1.83)
  set(boost_headers_FOUND FALSE)
endif()
headroom_needs(boost_headers_FOUND
  "Boost 1.83 or newer (libboost1.83-dev; the io_uring backend of 1.81 has a use-after-free), found '${boost_headers_VERSION}'")

# 0.7 names its target yaml-cpp, 0.8 yaml-cpp::yaml-cpp.
if(NOT TARGET yaml-cpp::yaml-cpp)
  add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()

# liburing and llhttp are linked statically: small, hot, and Debian 12 has them only by tools/setup's pin.
function(headroom_static_package name header library)
  find_path(HEADROOM_${name}_INCLUDE ${header})
  find_library(HEADROOM_${name}_LIBRARY NAMES lib${library}.a ${library})
  mark_as_advanced(HEADROOM_${name}_INCLUDE HEADROOM_${name}_LIBRARY)
  if(HEADROOM_${name}_INCLUDE AND HEADROOM_${name}_LIBRARY)
    add_library(${name}::${name} UNKNOWN IMPORTED)
    set_target_properties(${name}::${name} PROPERTIES
      IMPORTED_LOCATION ${HEADROOM_${name}_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${HEADROOM_${name}_INCLUDE})
  endif()
endfunction()

# Fails unless `header` defines `prefix`_MAJOR.`prefix`_MINOR >= `least`.
function(headroom_header_version name header prefix least what)
  set(version 0)
  set(file ${HEADROOM_${name}_INCLUDE}/${header})
  if(TARGET ${name}::${name} AND EXISTS ${file})
    file(STRINGS ${file} lines REGEX "^#define +${prefix}_(MAJOR|MINOR) +[0-9]+")
    if("${lines}" MATCHES "${prefix}_MAJOR +([0-9]+).*${prefix}_MINOR +([0-9]+)")
      set(version ${CMAKE_MATCH_1}.${CMAKE_MATCH_2})
    endif()
  endif()
  if(version VERSION_LESS ${least})
    message(FATAL_ERROR "Headroom needs ${what}, found '${version}': run tools/setup")
  endif()
endfunction()

headroom_static_package(liburing liburing.h uring)
headroom_header_version(liburing liburing/io_uring_version.h IO_URING_VERSION 2.9 "liburing 2.9 or newer (liburing-dev)")

# Debian 13's liburing.h wants a kernel header that Debian 12's linux-libc-dev is too old for; it uses this one constant of it.
find_path(HEADROOM_BLKDEV_INCLUDE linux/blkdev.h)
mark_as_advanced(HEADROOM_BLKDEV_INCLUDE)
if(NOT HEADROOM_BLKDEV_INCLUDE)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/kernel/linux/blkdev.h @ONLY CONTENT
"// Stands in for <linux/blkdev.h> of Linux 6.12, which liburing.h includes.
#pragma once
#include <linux/ioctl.h>
#define BLOCK_URING_CMD_DISCARD _IO(0x12, 0)
")
  target_include_directories(liburing::liburing SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/kernel)
endif()

headroom_static_package(llhttp llhttp.h llhttp)
headroom_header_version(llhttp llhttp.h LLHTTP_VERSION 9.2
  "llhttp 9.2 or newer (libllhttp-dev; older ones accept smuggled requests)")

if(HEADROOM_TESTS AND NOT HEADROOM_FUZZERS)
  find_package(GTest CONFIG QUIET)
  headroom_needs(GTest_FOUND "GoogleTest (libgtest-dev, libgmock-dev)")
  find_package(benchmark CONFIG QUIET)
  headroom_needs(benchmark_FOUND "Google Benchmark (libbenchmark-dev)")
  # The lab's linear programs; Debian's package has no CMake config.
  find_path(HEADROOM_Clp_INCLUDE coin/Clp_C_Interface.h)
  find_library(HEADROOM_Clp_LIBRARY Clp)
  mark_as_advanced(HEADROOM_Clp_INCLUDE HEADROOM_Clp_LIBRARY)
  if(HEADROOM_Clp_INCLUDE AND HEADROOM_Clp_LIBRARY)
    set(HEADROOM_Clp_FOUND TRUE)
    add_library(Clp::Clp UNKNOWN IMPORTED)
    set_target_properties(Clp::Clp PROPERTIES IMPORTED_LOCATION ${HEADROOM_Clp_LIBRARY}
      INTERFACE_INCLUDE_DIRECTORIES "${HEADROOM_Clp_INCLUDE};${HEADROOM_Clp_INCLUDE}/coin")
  endif()
  headroom_needs(HEADROOM_Clp_FOUND "COIN-OR's linear programming solver (coinor-libclp-dev)")
endif()
