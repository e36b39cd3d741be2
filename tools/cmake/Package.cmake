# What `cmake --install` and `cpack` put where: the programs, their man page and completion, a systemd unit, documentation.
# cpack -G DEB --config build/release/CPackConfig.cmake makes headroom_<version>_<architecture>.deb for the Debian it runs on.
if(HEADROOM_FUZZERS OR HEADROOM_HEADERS_ALONE OR NOT TARGET headroom)
  return()
endif()
include(GNUInstallDirs)

find_package(Python3 QUIET COMPONENTS Interpreter)
find_program(HEADROOM_GZIP gzip)
mark_as_advanced(HEADROOM_GZIP)
if(Python3_FOUND AND HEADROOM_GZIP)
  set(page ${CMAKE_BINARY_DIR}/headroom.1.gz)
  set(maker ${CMAKE_SOURCE_DIR}/infra/package/man_page.py)
  add_custom_command(OUTPUT ${page}
    COMMAND ${Python3_EXECUTABLE} -B ${maker} $<TARGET_FILE:headroom> > ${CMAKE_BINARY_DIR}/headroom.1
    COMMAND ${HEADROOM_GZIP} -9nf ${CMAKE_BINARY_DIR}/headroom.1
    DEPENDS headroom ${maker} COMMENT "Writing the man page" VERBATIM)
  add_custom_target(man_page DEPENDS ${page})
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)
endif()

install(FILES infra/package/headroom.bash-completion DESTINATION share/bash-completion/completions RENAME headroom)
install(FILES infra/systemd/headroom.service DESTINATION lib/systemd/system)
install(FILES infra/systemd/headroom.yaml DESTINATION /etc/headroom)
install(FILES LICENSE DESTINATION share/doc/headroom RENAME copyright)
install(FILES NOTICE README.md docs/configuration.md DESTINATION share/doc/headroom)
install(DIRECTORY docs/examples/ DESTINATION share/doc/headroom/examples FILES_MATCHING PATTERN *.yaml PATTERN traces EXCLUDE)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_CONTACT "Headroom <headroom@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "reverse proxy for LLM APIs that balances by token quota")
set(CPACK_PACKAGE_DESCRIPTION "Headroom stands in front of several Azure OpenAI (or compatible) backends,
each with its own quota of tokens per minute, and sends every request
to the one that has the headroom for it.")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_SOURCE_DIR}/infra/package/conffiles
  ${CMAKE_SOURCE_DIR}/infra/package/postinst
  ${CMAKE_SOURCE_DIR}/infra/package/prerm
  ${CMAKE_SOURCE_DIR}/infra/package/postrm)
include(CPack)
