// Fuzzes the hub's parser of lines: what it takes must come out of the serializer as it went in.
#include <cstdlib>
#include <string_view>

#include "irc/message.hpp"

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  using namespace ieum::hub;
  const auto message = parse_message(std::string_view(data, size));
  if (!message) return 0;
  const std::string line = serialize(*message);
  if (line.find_first_of("\r\n") != line.size() - 2) std::abort();
  const auto again = parse_message(std::string_view(line).substr(0, line.size() - 2));
  if (!again) return line.size() > 400 ? 0 : (std::abort(), 0);  // the colon may make it too long
  if (again->command != message->command || again->tags != message->tags) std::abort();
  return 0;
}
