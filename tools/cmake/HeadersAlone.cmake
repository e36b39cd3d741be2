# Target headers_alone: every header of the tree compiled as the only include of a translation unit.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}
  ${CMAKE_SOURCE_DIR}/balance/*.hpp ${CMAKE_SOURCE_DIR}/net/*.hpp ${CMAKE_SOURCE_DIR}/core/*.hpp
  ${CMAKE_SOURCE_DIR}/tools/*.hpp ${CMAKE_SOURCE_DIR}/bench/*.hpp ${CMAKE_SOURCE_DIR}/tests/*.hpp)
list(FILTER headers EXCLUDE REGEX "node_modules/")
set(units)
foreach(header IN LISTS headers)
  set(unit ${CMAKE_BINARY_DIR}/alone/${header}.cpp)
  file(CONFIGURE OUTPUT ${unit} CONTENT "#include \"@header@\"\n#include \"@header@\"  // twice: the guard\n" @ONLY)
  list(APPEND units ${unit})
endforeach()
if(units)
  add_library(headers_alone OBJECT ${units})
  target_link_libraries(headers_alone PRIVATE headroom_control_uring headroom_mock_azure GTest::gmock benchmark::benchmark)
  set_target_properties(headers_alone PROPERTIES EXCLUDE_FROM_ALL OFF)
else()
  add_custom_target(headers_alone)
endif()
