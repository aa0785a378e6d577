// Fuzzes the hub's tags: escaped and taken apart again they are the same.
#include <cstdlib>
#include <string_view>

#include "irc/tags.hpp"

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  using namespace ieum::hub;
  const std::string_view text(data, size);
  if (unescape_tag(escape_tag(text)) != text) std::abort();
  const Tags tags = parse_tags(text);
  if (parse_tags(serialize_tags(tags)) != tags) std::abort();
  return 0;
}
