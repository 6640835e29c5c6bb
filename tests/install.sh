#!/usr/bin/env bash
# Does what is built install, and can others link it? Consumers are built outside the tree, against
# what `cmake --install` and the Debian package bring.
#
#   tests/install.sh BUILD                 # find_package, pkg-config, the .deb, of a folder built
#   tests/install.sh BUILD --from-source   # besides: add_subdirectory, and all of it with a shared
#                                          # library, which compile Gradus (ccache makes it short)
set -euo pipefail
build=$(readlink -f -- "$1")
source=$(readlink -f -- "$(dirname -- "${BASH_SOURCE[0]}")/..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$source/tests/consumers" "$work/consumers"
mkdir "$work/consumers/readme"

step() { printf '== %s\n' "$*"; }
fail() { printf 'tests/install.sh: %s\n' "$*" >&2; exit 1; }
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; fail "failed: $*"; }; }

configure() {  # FOLDER, SOURCE, [cmake argument...]
  local launcher=()
  if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  cmake -G Ninja -S "$2" -B "$1" "${launcher[@]}" "${@:3}"
}

# Consumers of an installed PREFIX, the second of which needs no CMake.
consume() {  # PREFIX
  local prefix=$1 out
  out=$(mktemp -d -p "$work")
  step "find_package in $prefix"
  quietly configure "$out" "$work/consumers/find_package" -DCMAKE_PREFIX_PATH="$prefix"
  grep -q "^gradus_DIR:PATH=$prefix/" "$out/CMakeCache.txt" || fail "another gradus was found"
  quietly cmake --build "$out"
  "$out/consumer"
  "$out/conforms" || fail "the installed conformance suite finds the reference backend at fault"
  local wanted
  for wanted in 0.2 1 "0.1.0;EXACT"; do
    if configure "$out/refused" "$work/consumers/find_package" -DCMAKE_PREFIX_PATH="$prefix" \
        -DWANTED="$wanted" >"$work/log" 2>&1; then
      [[ $wanted == *EXACT ]] || fail "find_package(gradus $wanted) accepts 0.1.0"
    else
      [[ $wanted != *EXACT ]] || { cat "$work/log"; fail "find_package(gradus 0.1.0 EXACT) fails"; }
    fi
    rm -rf "$out/refused"
  done

  step "find_package without what Gradus needs"
  mkdir -p "$work/consumers/optional"
  # shellcheck disable=SC2016  # CMake's variables
  printf '%s\n' 'cmake_minimum_required(VERSION 3.25)' 'project(optional LANGUAGES CXX)' \
    'find_package(gradus QUIET)' \
    'message("gradus_FOUND=${gradus_FOUND}: ${gradus_NOT_FOUND_MESSAGE}")' \
    >"$work/consumers/optional/CMakeLists.txt"
  PKG_CONFIG_LIBDIR=/nowhere quietly configure "$out/optional" "$work/consumers/optional" \
    -DCMAKE_PREFIX_PATH="$prefix"
  grep -q '^gradus_FOUND=0: it needs .* which pkg-config does not find$' "$work/log" ||
    { cat "$work/log"; fail "find_package(gradus QUIET) does not say why it finds nothing"; }

  step "the README's lines for CMake"
  {
    printf '%s\n' 'cmake_minimum_required(VERSION 3.25)' 'project(mine LANGUAGES CXX)' \
      'add_executable(mine ../main.cpp)' 'target_include_directories(mine PRIVATE ..)'
    grep -E '^    (find_package|target_link_libraries)\(' "$source/README.md"
  } >"$work/consumers/readme/CMakeLists.txt"
  quietly configure "$out/readme" "$work/consumers/readme" -DCMAKE_PREFIX_PATH="$prefix"
  quietly cmake --build "$out/readme"
  "$out/readme/mine"

  step "pkg-config in $prefix"
  local lib flags
  lib=$(dirname "$(find "$prefix" -name gradus.pc)")
  flags=$(PKG_CONFIG_PATH="$lib" pkg-config --cflags --libs "gradus >= 0.1 gradus < 0.2")
  # shellcheck disable=SC2086  # flags are words
  quietly g++ -std=c++20 -Wall -Wextra -Woverloaded-virtual -Werror -I "$work/consumers" \
    "$work/consumers/main.cpp" -o "$out/by_hand" $flags
  LD_LIBRARY_PATH=$(dirname "$lib") "$out/by_hand"
}

# Installing and packing of a build folder.
installed() {  # BUILD
  local prefix out
  prefix=$(mktemp -d -p "$work")
  step "cmake --install $1"
  quietly cmake --install "$1" --prefix "$prefix"
  mv "$prefix" "$prefix.moved"  # nothing in it says where it was
  consume "$prefix.moved"
  "$prefix.moved/bin/gradus" --version >/dev/null || fail "the installed program does not run"

  if command -v dpkg-deb >/dev/null; then
    step "cpack -G DEB"
    out=$(mktemp -d -p "$work")
    quietly cpack --config "$1/CPackConfig.cmake" -G DEB -B "$out"
    dpkg-deb --field "$out"/*.deb Package Version Depends
    [[ $(dpkg-deb --field "$out"/*.deb Depends) == *libcurl* ]] ||
      fail "the package does not depend on what the program needs; dpkg-dev and file find it"
    dpkg-deb --extract "$out"/*.deb "$out/unpacked"
    consume "$out/unpacked/usr"
    "$out/unpacked/usr/bin/gradus" --version >/dev/null || fail "the packed program does not run"
  fi
}

installed "$build"
if [[ ${2:-} == --from-source ]]; then
  step "add_subdirectory"
  quietly configure "$work/sub" "$work/consumers/subdirectory" -DGRADUS_SOURCE="$source"
  quietly cmake --build "$work/sub"
  "$work/sub/consumer"

  step "BUILD_SHARED_LIBS=ON"
  quietly configure "$work/shared" "$source" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON \
    -DGRADUS_WERROR=ON -DGRADUS_UNITY=OFF -DGRADUS_TESTS=OFF -DGRADUS_EXAMPLES=OFF
  quietly cmake --build "$work/shared"
  installed "$work/shared"
  [[ $(readelf -d "$work/shared/libgradus.so" | grep SONAME) == *libgradus.so.0.1* ]] ||
    fail "the shared library is not called libgradus.so.0.1"
fi
step "done"
