# What every target of ours is compiled with.
add_library(dunlin_options INTERFACE)
target_compile_features(dunlin_options INTERFACE cxx_std_20)
# g++ 12 at -O2 is wrong about two things: overlapping copies in std::string operator+ (gcc bug
# 105651), and the inactive members of a moved std::variant (gcc bug 80635).
target_compile_options(dunlin_options INTERFACE -Wall -Wextra -Wpedantic -Werror
  -Wno-missing-field-initializers -Wno-restrict -Wno-maybe-uninitialized)
target_include_directories(dunlin_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
if(DUNLIN_PLANTED)
  target_compile_definitions(dunlin_options INTERFACE DUNLIN_PLANTED)
endif()
if(DUNLIN_SANITIZE)
  target_compile_options(dunlin_options INTERFACE -fsanitize=address,undefined -fno-sanitize=null
    -fno-omit-frame-pointer)
  target_link_options(dunlin_options INTERFACE -fsanitize=address,undefined)
endif()

find_program(DUNLIN_CCACHE ccache)
if(DUNLIN_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${DUNLIN_CCACHE})
endif()
find_program(DUNLIN_MOLD mold)
if(DUNLIN_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# dunlin_library(NAME sources… LINK targets… [PCH target]): one static library a folder, alias dunlin::NAME.
function(dunlin_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(dunlin_${name} STATIC ${ARG_SOURCES})
  add_library(dunlin::${name} ALIAS dunlin_${name})
  target_link_libraries(dunlin_${name} PUBLIC dunlin_options ${ARG_LINK})
endfunction()

# dunlin_test(NAME SOURCES … LINK …): one GoogleTest binary; every TEST becomes a ctest.
function(dunlin_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE dunlin_options ${ARG_LINK} GTest::gtest GTest::gmock GTest::gtest_main)
  # Large pages: a virtual cluster fills a hundred megabytes within a second (apps/soak/main.cpp).
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 170
    ENVIRONMENT "GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.trim_threshold=1073741824:glibc.malloc.mmap_threshold=1073741824")
endfunction()

# dunlin_shells(TARGET …): these contain actors; they share one precompiled header of CAF and Protobuf.
function(dunlin_shells)
  foreach(target ${ARGN})
    target_precompile_headers(${target} REUSE_FROM dunlin_messages)
  endforeach()
endfunction()
