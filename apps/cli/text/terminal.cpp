#include "text/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace ieum::cli {

bool draws_lines(int descriptor) {
  const char* term = std::getenv("TERM");
  return term != nullptr && std::string_view(term) != "dumb" && ::isatty(descriptor) == 1;
}

bool takes_color(int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  return (no_color == nullptr || *no_color == '\0') && draws_lines(descriptor);
}

int text_columns(int descriptor) {
  constexpr int columns_min = 40;
  constexpr int columns_max = 100;
  int columns = 80;
  winsize size{};
  if (const char* variable = std::getenv("COLUMNS")) {
    if (const int given = std::atoi(variable); given > 0) columns = given;
  }
  if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) columns = size.ws_col;
  return std::clamp(columns, columns_min, columns_max);
}

}  // namespace ieum::cli
