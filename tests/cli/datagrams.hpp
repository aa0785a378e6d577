// What the tests of datagrams share.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "cli/programs.hpp"
#include "support/support.hpp"

namespace ieum::test {

/// Waits until somebody has a UDP socket on `port`, in this thread's network.
inline void wait_until_bound(std::uint16_t port) {
  std::array<char, 16> suffix{};
  std::snprintf(suffix.data(), suffix.size(), ":%04X", unsigned{port});
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    for (const char* table : {"/proc/thread-self/net/udp", "/proc/thread-self/net/udp6"}) {
      std::ifstream file(table);
      std::string number, local;
      for (std::string line; std::getline(file, line);) {
        std::istringstream fields(line);
        fields >> number >> local;
        if (local.ends_with(suffix.data())) return;
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ADD_FAILURE() << "nobody receives on port " << port;
}

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The number behind `"name":` in the line of `event` that --json wrote.
inline std::uint64_t number_in(const std::string& events, const std::string& event,
                               const std::string& name) {
  std::istringstream lines(events);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("\"event\":\"" + event + "\"") == std::string::npos) continue;
    const std::size_t at = line.find("\"" + name + "\":");
    if (at != std::string::npos) return std::stoull(line.substr(at + name.size() + 3));
  }
  ADD_FAILURE() << "no " << name << " of " << event << " in: " << events.substr(0, 2000);
  return 0;
}

}  // namespace ieum::test
