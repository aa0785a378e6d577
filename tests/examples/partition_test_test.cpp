// partition_test: the example of a test on a simulated network; and that docs/simulation.md shows
// the same program.
#include <fstream>
#include <iterator>

#include "examples/programs.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

TEST(PartitionTest, loses_nothing_over_ten_thousand_seeds) {
  Child child({example("partition_test")}, Input::nothing());
  const std::string output = child.read_all(std::chrono::minutes(5));
  EXPECT_EQ(child.wait(), 0) << output;
  if (std::getenv("IEUM_SEED") == nullptr) {
    EXPECT_EQ(output, "10000 seeds, 0 with a loss\n");
  }
}

std::string content_of(const std::string& path) {
  std::ifstream file(std::string(IEUM_SOURCE_DIR) + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(PartitionTest, is_what_the_guide_shows) {
  const std::string program = content_of("/examples/partition_test.cpp");
  const std::string page = content_of("/docs/simulation.md");
  ASSERT_FALSE(program.empty() || page.empty());
  const std::size_t code = program.find("#include");
  EXPECT_NE(page.find(program.substr(code)), std::string::npos)
      << "docs/simulation.md and examples/partition_test.cpp differ";
}

}  // namespace
}  // namespace ieum::test
