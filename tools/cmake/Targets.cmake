# How a target is declared: sources by glob, and nothing breaks while a folder is still empty.

# headroom_glob(<out> [RECURSE] PATTERNS <glob>... [EXCEPT <regex>...]): sources below the current folder.
function(headroom_glob out)
  cmake_parse_arguments(PARSE_ARGV 1 arg "RECURSE" "" "PATTERNS;EXCEPT")
  set(how GLOB)
  if(arg_RECURSE)
    set(how GLOB_RECURSE)
  endif()
  file(${how} found CONFIGURE_DEPENDS LIST_DIRECTORIES false ${arg_PATTERNS})
  foreach(regex IN LISTS arg_EXCEPT)
    list(FILTER found EXCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/${regex}")
  endforeach()
  set(${out} ${found} PARENT_SCOPE)
endfunction()

# headroom_library(<name> SOURCES <file>... LINK <target>...): static, or an interface library when there are no sources.
function(headroom_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK;DEFINE")
  if(arg_SOURCES)
    add_library(${name} STATIC ${arg_SOURCES})
    set(scope PUBLIC)
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(${name} ${scope} ${arg_LINK})
  target_compile_definitions(${name} ${scope} ${arg_DEFINE})
endfunction()

# headroom_program(<name> SOURCES <file>... LINK <target>...): a program; skipped when there are no sources.
function(headroom_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK;DEFINE")
  if(arg_SOURCES)
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ${arg_LINK})
    target_compile_definitions(${name} PRIVATE ${arg_DEFINE})
  endif()
endfunction()
