// Tests that need a network of their own.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>

namespace ieum::test {

/// Whether a program is installed.
bool has_program(std::string_view name);
/// Skips the test if it is not. `package` is Debian's with it.
#define NEEDS(program, package) \
  if (!has_program(program))    \
  GTEST_SKIP() << "this needs the program " program " (Debian: " package ")"

/// Runs `body` in a thread with a network namespace of its own, loopback up, after the shell has
/// run `commands` there. Gives the reason if the system does not allow it, else an empty text.
std::string in_network_namespace(std::string_view commands, const std::function<void()>& body);

}  // namespace ieum::test
