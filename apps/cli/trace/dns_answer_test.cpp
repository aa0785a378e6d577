#include "trace/dns_answer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ieum::cli::trace {
namespace {

using std::string_literals::operator""s;

/// One question about example.com, and a CNAME, an A and an AAAA in the answer.
const std::string answer =
    "\x12\x34\x81\x80\x00\x01\x00\x03\x00\x00\x00\x00"s
    "\x07"
    "example\x03"
    "com\x00\x00\x01\x00\x01"s
    "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x06\x03"
    "www\xc0\x0c"s
    "\xc0\x29\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x01\x02\x03"s
    "\xc0\x29\x00\x1c\x00\x01\x00\x00\x00\x3c\x00\x10"
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"s;

TEST(DnsAnswer, NamesItsAddresses) {
  const auto found = read_dns_answer(answer);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].host, "example.com");
  EXPECT_EQ(found[0].address.to_string(), "10.1.2.3:0");
  EXPECT_EQ(found[1].host, "example.com");
  EXPECT_EQ(found[1].address.to_string(), "[2001:db8::7]:0");
}

TEST(DnsAnswer, IsNotReadBeyondItsEnd) {
  for (std::size_t bytes = 0; bytes < answer.size(); ++bytes) {
    EXPECT_LT(read_dns_answer(answer.substr(0, bytes)).size(), 2U) << bytes;
  }
}

TEST(DnsAnswer, QuestionsAndFailuresNameNothing) {
  std::string other = answer;
  other[2] = '\x01';  // a question
  EXPECT_TRUE(read_dns_answer(other).empty());
  other = answer;
  other[3] = '\x83';  // there is no such name
  EXPECT_TRUE(read_dns_answer(other).empty());
  other = answer;
  other[5] = '\x02';
  EXPECT_TRUE(read_dns_answer(other).empty());
}

}  // namespace
}  // namespace ieum::cli::trace
