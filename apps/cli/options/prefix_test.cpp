#include "options/prefix.hpp"

#include <gtest/gtest.h>

#include <ieum/result.hpp>

namespace ieum::cli {
namespace {

Address at(std::string_view text) { return Address::parse(text).value(); }

TEST(Prefix, ContainsTheAddressesOfItsNetwork) {
  const auto ten = Prefix::parse("10.0.0.0/8");
  ASSERT_TRUE(ten);
  EXPECT_TRUE(ten->contains(at("10.255.1.2:80")));
  EXPECT_FALSE(ten->contains(at("11.0.0.1:80")));
  EXPECT_FALSE(ten->contains(at("[::1]:80")));
  const auto odd = Prefix::parse("192.168.4.0/22");
  ASSERT_TRUE(odd);
  EXPECT_TRUE(odd->contains(at("192.168.7.255:1")));
  EXPECT_FALSE(odd->contains(at("192.168.8.0:1")));
  const auto all = Prefix::parse("::/0");
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->contains(at("[2001:db8::1]:1")));
  const auto one = Prefix::parse("fe80::1");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->bits, 128U);
}

TEST(Prefix, RefusesWhatIsNone) {
  for (const char* text : {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "nginx", "/run/x",
                           "10.0.0.1:80", "", "*"}) {
    EXPECT_FALSE(Prefix::parse(text)) << text;
  }
}

}  // namespace
}  // namespace ieum::cli
