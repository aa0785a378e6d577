// --allow and --deny: what is read, and whom it holds.
#include "listen/access.hpp"

#include <gtest/gtest.h>

namespace ieum::cli {
namespace {

Address address(std::string_view text) { return Address::parse(text).value_or(Address{}); }

AccessList parsed(std::string_view text) {
  const auto list = parse_access_list("--allow", text);
  if (!list) ADD_FAILURE() << list.error();
  return list.value_or(AccessList{});
}

bool holds(std::string_view prefix, std::string_view peer) {
  return parsed(prefix).prefixes.at(0).contains(address(peer));
}

TEST(Access, a_prefix_holds_its_addresses) {
  EXPECT_TRUE(holds("192.0.2.0/24", "192.0.2.255:1"));
  EXPECT_FALSE(holds("192.0.2.0/24", "192.0.3.0:1"));
  EXPECT_TRUE(holds("192.0.2.128/25", "192.0.2.128:1"));
  EXPECT_FALSE(holds("192.0.2.128/25", "192.0.2.127:1"));
  EXPECT_TRUE(holds("10.1.2.3/9", "10.127.0.1:1"));
  EXPECT_FALSE(holds("10.1.2.3/9", "10.128.0.1:1"));
  EXPECT_TRUE(holds("0.0.0.0/0", "203.0.113.9:1"));
  EXPECT_FALSE(holds("0.0.0.0/0", "[::1]:1"));
  EXPECT_TRUE(holds("192.0.2.7", "192.0.2.7:5000"));
  EXPECT_FALSE(holds("192.0.2.7", "192.0.2.8:5000"));
  EXPECT_TRUE(holds("2001:db8::/33", "[2001:db8:7fff::1]:1"));
  EXPECT_FALSE(holds("2001:db8::/33", "[2001:db8:8000::1]:1"));
  EXPECT_TRUE(holds("[::1]", "[::1]:1"));
}

TEST(Access, a_list_has_names_too) {
  const AccessList list = parsed("10.0.0.0/8,example.com,::1");
  EXPECT_EQ(list.prefixes.size(), 2U);
  EXPECT_EQ(list.names, std::vector<std::string>{"example.com"});
}

TEST(Access, says_what_is_wrong) {
  for (const std::string_view wrong :
       {"", ",", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0/8", "::1/129", "x/8", "h:80",
        "10.0.0.1,,10.0.0.2", "a b", "/8"}) {
    const auto list = parse_access_list("--deny", wrong);
    ASSERT_FALSE(list) << wrong;
    EXPECT_TRUE(list.error().starts_with("--deny takes addresses, prefixes and names")) << wrong;
  }
}

}  // namespace
}  // namespace ieum::cli
