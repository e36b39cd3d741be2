# Chooses clang++-19 when the user chose no compiler, and ccache when it is there. Included before project().
if(NOT CMAKE_CXX_COMPILER AND NOT DEFINED ENV{CXX})
  find_program(HEADROOM_CLANG NAMES clang++-19 clang++-20 clang++-21 clang++)
  if(HEADROOM_CLANG)
    set(CMAKE_CXX_COMPILER ${HEADROOM_CLANG} CACHE FILEPATH "C++ compiler" FORCE)
  endif()
endif()

# ccache hits across clones in different folders: paths below the source folder are hashed relative to it.
find_program(HEADROOM_CCACHE ccache)
if(HEADROOM_CCACHE AND (NOT CMAKE_CXX_COMPILER_LAUNCHER OR CMAKE_CXX_COMPILER_LAUNCHER STREQUAL "ccache"))
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${HEADROOM_CCACHE}
      CACHE STRING "Command put before every compiler call" FORCE)
endif()

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug or Instrumented (see tools/cmake/Flags.cmake)" FORCE)
endif()
