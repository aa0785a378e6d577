// The example programs, and ncat beside them, as the tests of this directory start them.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "support/child.hpp"
#include "support/files.hpp"

namespace ieum::test {

inline std::string example(std::string_view name) {
  return std::string(IEUM_EXAMPLES_DIR) + "/" + std::string(name);
}

inline std::string at(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

inline bool has_ncat() { return std::system("command -v ncat >/dev/null 2>&1") == 0; }

/// Ncat comes with the packages that `./dev test` installs; elsewhere its tests are skipped.
#define SKIP_WITHOUT_NCAT() \
  if (!::ieum::test::has_ncat()) GTEST_SKIP() << "ncat is not installed"

}  // namespace ieum::test
