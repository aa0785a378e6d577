// docs/hub-conformance.md has a row for each command, reply and capability, and names real tests.
#include <fstream>
#include <sstream>

#include "hub/irc/hub_test.hpp"
#include "irc/caps.hpp"
#include "irc/numerics.hpp"
#include "session/commands.hpp"

namespace ieum::test {
namespace {

TEST(HubPage, HasARowForEverything) {
  std::ifstream file(IEUM_SOURCE_DIR "/docs/hub-conformance.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string page = text.str();
  for (const hub::Command& command : hub::commands()) {
    EXPECT_TRUE(page.contains("\n| " + std::string(command.name) + " | ")) << command.name;
  }
  for (const hub::Numeric& numeric : hub::numerics) {
    EXPECT_TRUE(page.contains(" | " + std::string(numeric.name) + " | ")) << numeric.name;
  }
  for (const hub::CapInfo& info : hub::capabilities) {
    EXPECT_TRUE(page.contains("\n| " + std::string(info.name) + " | ")) << info.name;
  }
  // Every test that it names is there.
  const auto* const unit = ::testing::UnitTest::GetInstance();
  std::string all;
  for (int i = 0; i < unit->total_test_suite_count(); ++i) {
    const ::testing::TestSuite* suite = unit->GetTestSuite(i);
    for (int k = 0; k < suite->total_test_count(); ++k) {
      all += std::string(suite->name()) + "." + suite->GetTestInfo(k)->name() + "\n";
    }
  }
  for (std::size_t at = page.find("`Hub"); at != std::string::npos;
       at = page.find("`Hub", at + 1)) {
    const std::string name = page.substr(at + 1, page.find('`', at + 1) - at - 1);
    EXPECT_TRUE(all.contains(name + "\n")) << name;
  }
}

}  // namespace
}  // namespace ieum::test
