// Fuzzes chunked bodies: the first byte says into which pieces the rest is cut, which must change
// nothing.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/chunks.hpp"

namespace {

using ieum::http::detail::ChunkDecoder;

std::string decode(std::string_view text, std::size_t piece) {
  ChunkDecoder decoder;
  std::string data;
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string input(rest.substr(0, piece));
    std::string_view left = input;
    while (!left.empty()) {
      const ChunkDecoder::Step step = decoder.decode(left);
      if (step.state == ChunkDecoder::State::fault) {
        return "fault " + std::to_string(number(decoder.fault().status)) + data;
      }
      if (step.used > left.size() || step.data.size() > step.used) std::abort();
      data += step.data;
      left.remove_prefix(step.used);
      if (step.state == ChunkDecoder::State::done) {
        for (const ieum::http::Field field : decoder.trailers()) {
          data.append("\n").append(field.name).append(":").append(field.value);
        }
        return "done " + std::to_string(text.size() - rest.size() + input.size() - left.size()) +
               data;
      }
      if (step.state == ChunkDecoder::State::needs_more && !left.empty()) std::abort();
    }
    rest.remove_prefix(input.size());
  }
  return "needs more " + data;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(data + 1, size - 1);
  const std::size_t piece = std::max<std::size_t>(static_cast<unsigned char>(data[0]), 1);
  if (decode(text, piece) != decode(text, std::max<std::size_t>(text.size(), 1))) std::abort();
  return 0;
}
