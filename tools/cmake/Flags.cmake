# Compiler and linker flags of every target. NDEBUG is never defined: Headroom's assertions hold in production too.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
include(CheckPIESupported)
check_pie_supported()

# Instrumented: sanitizers and coverage. -O0 because clang keeps symmetric transfer there and builds 2.7 times faster.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
set(CMAKE_CXX_FLAGS_INSTRUMENTED "-O0 -g1" CACHE STRING "Flags of sanitizer and coverage builds")
set(CMAKE_EXE_LINKER_FLAGS_INSTRUMENTED "" CACHE STRING "Linker flags of sanitizer and coverage builds")
mark_as_advanced(CMAKE_CXX_FLAGS_INSTRUMENTED CMAKE_EXE_LINKER_FLAGS_INSTRUMENTED)

# Designated initialisers leave fields to their defaults on purpose.
add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wno-missing-designated-field-initializers)
add_compile_options(-fno-omit-frame-pointer -fstack-protector-strong -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
add_link_options(-Wl,-z,relro,-z,now)
include_directories(${CMAKE_SOURCE_DIR})

if(HEADROOM_WERROR)
  add_compile_options(-Werror)
endif()
if(HEADROOM_MARCH)
  add_compile_options(-march=${HEADROOM_MARCH})
endif()

# lld of the compiler's own version: it reads that version's bitcode.
string(REGEX MATCH "^[0-9]+" HEADROOM_CLANG_MAJOR ${CMAKE_CXX_COMPILER_VERSION})
find_program(HEADROOM_LLD ld.lld-${HEADROOM_CLANG_MAJOR})
if(HEADROOM_LLD)
  add_link_options(-fuse-ld=${HEADROOM_LLD})
else()
  message(FATAL_ERROR "Headroom links with lld-${HEADROOM_CLANG_MAJOR}: run tools/setup")
endif()

# What follows differs between presets. headroom_plain_flags() takes a folder back to here, optimised, whatever the preset.
get_directory_property(HEADROOM_PLAIN_COMPILE COMPILE_OPTIONS)
get_directory_property(HEADROOM_PLAIN_LINK LINK_OPTIONS)
macro(headroom_plain_flags)
  set_directory_properties(PROPERTIES COMPILE_OPTIONS "${HEADROOM_PLAIN_COMPILE}" LINK_OPTIONS "${HEADROOM_PLAIN_LINK}")
  foreach(config IN ITEMS RELEASE DEBUG INSTRUMENTED)
    set(CMAKE_CXX_FLAGS_${config} "-O2 -g1")
  endforeach()
endmacro()

add_compile_options($<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
if(HEADROOM_SANITIZE)
  add_compile_options(-fsanitize=${HEADROOM_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HEADROOM_SANITIZE})
endif()
if(HEADROOM_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()

if(HEADROOM_LTO)
  add_compile_options(-flto=thin)
  add_link_options(-flto=thin -Wl,--thinlto-cache-dir=${CMAKE_BINARY_DIR}/thinlto)
endif()
