// Lines out of pieces.
#include "session/line_splitter.hpp"

#include <gtest/gtest.h>

namespace ieum::hub {
namespace {

TEST(HubLineSplitter, GivesLinesWhateverThePieces) {
  const std::string text = "one\r\ntwo\n\nthree\r\n";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    LineSplitter splitter(10);
    std::string seen;
    for (std::size_t at = 0; at < text.size(); at += size) {
      splitter.add(std::string_view(text).substr(at, size));
      while (const std::optional<std::string> line = splitter.next()) seen += "[" + *line + "]";
    }
    EXPECT_EQ(seen, "[one][two][][three]") << size;
  }
}

TEST(HubLineSplitter, GivesALineThatIsTooLongOnceAndGoesOn) {
  for (const std::size_t size : {1U, 7U, 100U}) {
    const std::string text = std::string(50, 'x') + "\r\nafter\r\n";
    LineSplitter splitter(10);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size(); at += size) {
      splitter.add(std::string_view(text).substr(at, size));
      while (std::optional<std::string> line = splitter.next()) lines.push_back(*std::move(line));
    }
    ASSERT_EQ(lines.size(), 2U) << size;
    EXPECT_GT(lines[0].size(), 10U);
    EXPECT_EQ(lines[1], "after");
  }
}

}  // namespace
}  // namespace ieum::hub
