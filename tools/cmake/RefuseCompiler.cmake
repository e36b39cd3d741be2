# Refuses compilers that miscompile everyday C++20 coroutines (g++ 12: internal errors, double frees) in one line.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "Headroom needs clang 19 or newer, not ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}: "
                      "run tools/setup, then configure a fresh build folder with -DCMAKE_CXX_COMPILER=clang++-19")
endif()
