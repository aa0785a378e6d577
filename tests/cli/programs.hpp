// The `ieum` command as the tests of this directory start it, alone or by way of a shell.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support/child.hpp"
#include "support/files.hpp"
#include "support/network_namespace.hpp"

namespace ieum::test {

inline std::vector<std::string> ieum_command(std::vector<std::string> words) {
  words.insert(words.begin(), IEUM_COMMAND);
  return words;
}

/// A line for sh, in which "$0" is the command and $1, $2... are `arguments`.
inline std::vector<std::string> shell(std::string_view line,
                                      const std::vector<std::string>& arguments = {}) {
  std::vector<std::string> words{"sh", "-c", std::string(line), IEUM_COMMAND};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

inline std::string at(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

/// The address in "listening on ADDRESS", which `ieum listen` tells of a port that it chose.
inline std::string where_it_listens(Child& listener) {
  listener.read_error_until("listening on ");
  std::string address = listener.read_error_until("\n");
  if (!address.empty()) address.pop_back();
  return address;
}

/// The port of HOST:PORT.
inline std::string port_of(std::string_view address) {
  return std::string(address.substr(address.rfind(':') + 1));
}

}  // namespace ieum::test
