// Other people's servers, beside which ours are tested.
#pragma once

#include <gtest/gtest.h>

#include <string>

namespace ieum::test {

/// The program of a server: the installed one, or else one that is unpacked from Debian's
/// `packages` without its being started, as installing would. Empty: neither is to be had.
std::string find_server(const std::string& name, const std::string& packages);
std::string find_nginx();
std::string find_haproxy();
/// Skips the test without `find_NAME`.
#define NEEDS_SERVER(name) \
  if (find_##name().empty()) GTEST_SKIP() << "this needs the program " #name " (Debian: " #name ")"

}  // namespace ieum::test
