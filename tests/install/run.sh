#!/usr/bin/env bash
# Installs a build of ieum, moves the installed tree to another place, and builds and runs an outside
# project against it twice: through find_package(ieum) and through pkg-config.
#   tests/install/run.sh CMAKE BUILD_DIR COMPILER COMPILER_FLAGS
set -euo pipefail

cmake=$1 build=$2 compiler=$3 flags=$4
outside=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$cmake" --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/installed"
if grep -rlF -e "$work/first" -e "$build" "$work/installed" --include='*.cmake' --include='*.pc'; then
  echo "these installed files name a directory of the build" >&2
  exit 1
fi

echo "find_package(ieum):"
"$cmake" -S "$outside" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/installed" \
  -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_CXX_FLAGS="$flags" >/dev/null
"$cmake" --build "$work/build"
"$work/build/outside"

echo "pkg-config ieum:"
pc=$(find "$work/installed" -name ieum.pc)
[[ -n $pc ]] || { echo "ieum.pc was not installed" >&2; exit 1; }
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
# shellcheck disable=SC2046,SC2086  # flags are words
"$compiler" $flags -std=c++23 "$outside/main.cpp" -o "$work/by_pkg_config" \
  $(pkg-config --cflags --libs ieum)
LD_LIBRARY_PATH=$(dirname "$(dirname "$pc")") "$work/by_pkg_config"
