// Fuzzes recordings of `ieum trace`: whatever they hold, a ladder is drawn or a sentence said, and
// no byte of it commands a terminal.
#include <cstdlib>
#include <string>

#include "trace/ladder.hpp"
#include "trace/replay.hpp"

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  using namespace ieum::cli::trace;
  std::string drawn;
  const std::string_view text(data, size);
  for (const bool ascii : {false, true}) {
    Ladder ladder(ascii, [&](std::string_view lines) { drawn += lines; });
    const auto replayed = replay(text, [&](const Event& event) { ladder.take(event); });
    if (!replayed && replayed.error().find('\n') != std::string::npos) std::abort();
  }
  for (const char letter : drawn) {
    if (letter != '\n' && static_cast<unsigned char>(letter) < ' ') std::abort();
  }
  return 0;
}
