#include "text/rendering.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace ieum::cli {

namespace {

constexpr std::size_t row_bytes = 16;

void append_row(std::string& to, ConstBuffer row) {
  for (std::size_t i = 0; i < row_bytes; ++i) {
    if (i % 8 == 0) to += ' ';
    if (i < row.size()) {
      fmt::format_to(std::back_inserter(to), " {:02x}", std::to_integer<unsigned>(row[i]));
    } else {
      to += "   ";
    }
  }
  to += "  |";
  for (const std::byte byte : row) {
    const auto letter = std::to_integer<char>(byte);
    to += letter >= ' ' && letter <= '~' ? letter : '.';
  }
  to += "|\n";
}

}  // namespace

void Rendering::render(std::string& to, Side side, ConstBuffer data, std::string_view time) {
  if (options_.hex) return render_hex(to, side, data, time);
  render_lines(to, data, time);
}

void Rendering::begin_line(std::string& to, std::string_view time) const {
  if (options_.timestamps) to.append(time).append(" ");
  if (!label_.empty()) to.append("[").append(label_).append("] ");
}

void Rendering::render_hex(std::string& to, Side side, ConstBuffer data, std::string_view time) {
  std::uint64_t& offset = offsets_[static_cast<std::size_t>(side)];
  do {  // an empty datagram is seen too
    const ConstBuffer row = data.first(std::min(row_bytes, data.size()));
    begin_line(to, time);
    fmt::format_to(std::back_inserter(to), "{} {:08x}", side == Side::sent ? '>' : '<', offset);
    append_row(to, row);
    offset += row.size();
    data = data.subspan(row.size());
  } while (!data.empty());
}

void Rendering::render_lines(std::string& to, ConstBuffer data, std::string_view time) {
  std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
  while (!text.empty()) {
    if (!in_line_) begin_line(to, time);
    const std::size_t end = text.find('\n');
    in_line_ = end == std::string_view::npos;
    const std::string_view line = in_line_ ? text : text.substr(0, end + 1);
    to.append(line);
    text.remove_prefix(line.size());
  }
}

}  // namespace ieum::cli
