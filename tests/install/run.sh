#!/usr/bin/env bash
# Installs a build of ieum, moves the installed tree to another place, and builds and runs an outside
# project against it twice: through find_package(ieum) and through pkg-config. Both must say so where
# the static library lacks what it needs. With IEUM_TEST_LONG the same with the shared library, of
# which nothing internal may be seen, and the command and the examples with it.
#   tests/install/run.sh CMAKE BUILD_DIR COMPILER COMPILER_FLAGS
set -euo pipefail

cmake=$1 build=$2 compiler=$3 flags=$4
outside=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$outside/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
die() { echo "$*" >&2; exit 1; }

install_build() { # BUILD_DIR: to $work/installed, by way of another place
  rm -rf "$work/installed"
  "$cmake" --install "$1" --prefix "$work/first" >/dev/null
  mv "$work/first" "$work/installed"
  if grep -rlF -e "$work/first" -e "$1" "$work/installed" --include='*.cmake' --include='*.pc'; then
    die "these installed files name a directory of the build"
  fi
  pc=$(find "$work/installed" -name ieum.pc)
  [[ -n $pc ]] || die "ieum.pc was not installed"
  libraries=$(dirname "$(dirname "$pc")")
  export PKG_CONFIG_PATH=${pc%/*}
}

configure_outside() { # [-DNAME=VALUE...]
  rm -rf "$work/build"
  "$cmake" -S "$outside" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/installed" \
    -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_CXX_FLAGS="$flags" "$@"
}

use_installed() {
  echo "find_package(ieum):"
  configure_outside >/dev/null
  "$cmake" --build "$work/build"
  "$work/build/outside"

  echo "pkg-config ieum:"
  # shellcheck disable=SC2046,SC2086  # flags are words
  "$compiler" $flags -std=c++23 "$outside/main.cpp" -o "$work/by_pkg_config" \
    $(pkg-config --cflags --libs ieum)
  LD_LIBRARY_PATH=$libraries "$work/by_pkg_config"
}

# ---- The library as it was built: static ----------------------------------------------------------
install_build "$build"
use_installed

echo "find_package(ieum) without c-ares:"
cares=$(sed -nE 's/^IEUM_CARES_LIBRARY:FILEPATH=(.*)\/[^/]*$/\1/p' "$work/build/CMakeCache.txt")
if configure_outside "-DCMAKE_IGNORE_PATH=$cares;${cares#/usr}" >"$work/log" 2>&1; then
  die "it was found"
fi
tr -s ' \n' ' ' <"$work/log" | grep -F "ieum: the static library needs libcares (Debian: libc-ares-dev)" \
  >/dev/null || { cat "$work/log" >&2; die "nothing says that libcares is needed"; }

echo "pkg-config ieum without c-ares:"
if grep -q '^Requires:.*libcares' "$pc" &&
  PKG_CONFIG_LIBDIR=$PKG_CONFIG_PATH pkg-config --libs ieum 2>"$work/log"; then
  die "it was found"
fi

# ---- The shared library ---------------------------------------------------------------------------
if [[ ! ${IEUM_TEST_LONG:-} || $flags == *-fsanitize* ]]; then exit; fi
echo "shared:"
"$cmake" -S "$root" -B "$work/shared" -G Ninja -DBUILD_SHARED_LIBS=ON -DIEUM_BUILD_BENCH=OFF \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_CXX_FLAGS="$flags" \
  -DCMAKE_CXX_COMPILER_LAUNCHER="${CMAKE_CXX_COMPILER_LAUNCHER:-}" >/dev/null
"$cmake" --build "$work/shared" >"$work/log" || { cat "$work/log" >&2; exit 1; }
install_build "$work/shared"
use_installed

echo "what it exports:"
library=$libraries/libieum.so
nm -DC --defined-only "$library" >"$work/exported"
echo "$(wc -l <"$work/exported") symbols"
# What src/ alone knows; its types may be parameters of what is public.
internal='epoll::|uring::|sim::|LinuxDriver|DatagramCalls|BufferPool|make_driver|NameQuery|spawn'
if grep -E "^[0-9a-f ]+ [A-Za-z] ((vtable|typeinfo|typeinfo name) for )?ieum::detail::($internal)| (ares_|io_uring_)" \
  "$work/exported"; then
  die "these are internal"
fi
version=$(sed -nE 's/^CMAKE_PROJECT_VERSION:STATIC=([0-9]+\.[0-9]+).*/\1/p' "$work/shared/CMakeCache.txt")
[[ $version == 0.* ]] || version=${version%%.*}
readelf -d "$library" | grep -F "[libieum.so.$version]" >/dev/null ||
  die "a program would take a library of another minor version: $(readelf -d "$library" | grep SONAME)"

echo "a program with it:"
if [[ -e $work/installed/bin/ieum ]]; then "$work/installed/bin/ieum" --version; fi
"$work/shared/examples/partition_test"
