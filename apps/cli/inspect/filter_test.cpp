#include "inspect/filter.hpp"

#include <gtest/gtest.h>

namespace ieum::cli {
namespace {

TEST(Filter, AsksForTheProtocolsThatAreWanted) {
  const auto all = Filter::parse({});
  EXPECT_TRUE(all->takes_tcp() && all->takes_udp() && all->takes_unix());
  const std::vector<std::string> words{"UDP", ":53"};
  const auto udp = Filter::parse(words);
  EXPECT_FALSE(udp->takes_tcp() || udp->takes_unix());
  EXPECT_TRUE(udp->takes_udp());
  EXPECT_EQ(udp->text(), "UDP :53");
}

TEST(Filter, ASlipIsTakenForAProgramAndHintedAt) {
  const std::vector<std::string> words{"stucked"};
  const auto filter = Filter::parse(words);
  ASSERT_TRUE(filter);
  EXPECT_TRUE(filter->names_processes());
  EXPECT_EQ(filter->hint(), "; did you mean 'stuck'?");
}

// Taken for a program's name, they would match nothing, as if there were no such socket.
TEST(Filter, RefusesWhatIsMeantForAnAddressAndIsNone) {
  for (const std::string word :
       {"10.0.0.0/33", "10.0.0.0/", "::1/129", "300.1.1.1", "127.1", ":", ":abc", ":-1", ":http",
        ":8080-8090", ":99999", "127.0.0.1:", "127.0.0.1:99999", "[::1", "1::2::3"}) {
    const auto filter = Filter::parse(std::vector{word});
    ASSERT_FALSE(filter) << word;
    EXPECT_EQ(filter.error().find("names are not looked up"), std::string::npos) << word;
  }
  for (const std::string word : {"nginx", "7z", "Foo::Bar", "a/b", "python3.11", "::1",
                                 "::", "*:80", "[::1]:80", "10.0.0.0/8"}) {
    EXPECT_TRUE(Filter::parse(std::vector{word})) << word;
  }
}

}  // namespace
}  // namespace ieum::cli
