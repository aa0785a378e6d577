#include "trace/lookups.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ieum::cli::trace {
namespace {

Event call(int ms, std::string name, std::uint64_t socket, std::string address = {}) {
  return {.kind = EventKind::call,
          .at = std::chrono::milliseconds(ms),
          .pid = 1,
          .call = std::move(name),
          .socket = socket,
          .protocol = "unix",
          .address = std::move(address)};
}

class LookupsTest : public testing::Test {
 protected:
  Lookups lookups{
      [this](const Event& event) { passed += event.call + std::to_string(event.socket) + " "; }};
  std::string passed;
};

TEST_F(LookupsTest, OfTheLibraryAreLeftOut) {
  lookups.take(call(1, "socket", 7));
  lookups.take(call(2, "sendto", 5));
  EXPECT_EQ(passed, "");
  EXPECT_EQ(lookups.pass(std::chrono::milliseconds(3)), std::chrono::milliseconds(1));
  lookups.take(call(3, "connect", 7, "unix:/var/run/nscd/socket"));
  EXPECT_EQ(passed, "sendto5 ");
  lookups.take(call(4, "close", 7));
  // The number belongs to another socket now.
  lookups.take(call(5, "socket", 7));
  lookups.take(call(6, "connect", 7, "unix:/tmp/server"));
  EXPECT_EQ(passed, "sendto5 socket7 connect7 ");
}

TEST_F(LookupsTest, WhatDoesNotConnectIsNotHeldForLong) {
  lookups.take(call(1, "socket", 7));
  EXPECT_EQ(lookups.pass(std::chrono::milliseconds(200)), std::chrono::milliseconds(200));
  EXPECT_EQ(passed, "socket7 ");
  lookups.take(call(300, "socket", 8));
  lookups.take(call(301, "bind", 8, "unix:/tmp/server"));
  EXPECT_EQ(passed, "socket7 socket8 bind8 ");
  lookups.take(call(302, "socket", 9));
  lookups.take({.kind = EventKind::end, .at = std::chrono::milliseconds(303)});
  EXPECT_TRUE(passed.ends_with("socket9 0 ")) << passed;
}

}  // namespace
}  // namespace ieum::cli::trace
