// Fuzzes the heads of HTTP: the first byte says where the rest is split, which must change nothing.
// What is taken must be written back so that it is read as the same.
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/head.hpp"

namespace {

using namespace ieum::http;
using detail::HeadParser;

template <class Head>
std::string outcome(const Head& head, HeadParser& parser, HeadParser::Progress progress) {
  switch (progress) {
    case HeadParser::Progress::needs_more: return "needs more";
    case HeadParser::Progress::fault: return std::to_string(number(parser.fault().status));
    case HeadParser::Progress::complete: break;
  }
  std::string text = std::to_string(parser.size());
  for (const Field field : head.fields) {
    text.append("\n").append(field.name).append(":").append(field.value);
  }
  return text;
}

template <class Head>
void check(std::string_view text, std::size_t split) {
  Head whole;
  HeadParser first(whole);
  const std::string expected = outcome(whole, first, first.parse(text));
  Head parts;
  HeadParser second(parts);
  HeadParser::Progress progress = second.parse(std::string(text.substr(0, split)));
  if (progress == HeadParser::Progress::needs_more) progress = second.parse(text);
  if (outcome(parts, second, progress) != expected) std::abort();
  for (const Field field : whole.fields) {
    Fields copy;
    if (progress == HeadParser::Progress::complete && !copy.add(field.name, field.value)) {
      std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(data + 1, size - 1);
  const std::size_t split = static_cast<unsigned char>(data[0]) % (text.size() + 1);
  check<detail::RequestHead>(text, split);
  check<detail::ResponseHead>(text, split);
  return 0;
}
