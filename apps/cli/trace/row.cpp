#include "trace/row.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "text/wrap.hpp"
#include "trace/width.hpp"

namespace ieum::cli::trace {

namespace {

constexpr std::size_t text_columns = 37;
constexpr std::size_t state_columns = 12;
constexpr std::size_t lane_columns = 31;
constexpr std::size_t sentence_columns = 100;
constexpr std::size_t hanging = 12;  // of sentences below a row

}  // namespace

Row::Cell& Row::cell(int column, int facing) {
  for (Cell& one : cells) {
    if (one.column == column && (one.facing == facing || one.facing < 0 || facing < 0)) return one;
  }
  return cells.emplace_back(Cell{.column = column, .facing = facing});
}

RowPainter::RowPainter(std::vector<int> order, bool ascii)
    : order_(std::move(order)), ascii_(ascii) {}

int RowPainter::place_of(int column) const {
  const auto found = std::ranges::find(order_, column);
  return found == order_.end() ? 0 : static_cast<int>(found - order_.begin());
}

std::string RowPainter::lane_with(std::string label, bool to_right, bool has_head,
                                  bool is_inferred) const {
  const std::string_view line = is_inferred ? (ascii_ ? "." : "·") : (ascii_ ? "-" : "─");
  const std::string_view head = to_right ? (ascii_ ? ">" : "▶") : (ascii_ ? "<" : "◀");
  constexpr std::size_t room = lane_columns - 3;
  if (!label.empty()) label = " " + cut_to(label, room - 4, ascii_) + " ";
  const std::size_t rest = room - columns_of_wide(label);
  std::string body;
  for (std::size_t i = 0; i < rest / 2; ++i) body += line;
  body += label;
  for (std::size_t i = rest / 2; i < rest; ++i) body += line;
  if (!has_head) return std::string(line) + body + std::string(line) + std::string(line);
  return to_right ? " " + body + std::string(head) + " " : " " + std::string(head) + body + " ";
}

std::vector<std::string> RowPainter::lanes_of(const Row& row) const {
  const std::size_t count = std::max<std::size_t>(1, order_.size() - 1);
  std::vector<std::string> lanes(count, std::string(lane_columns, ' '));
  if (row.from < 0) return lanes;
  const int from = place_of(row.from);
  const int to = place_of(row.to);
  if (row.to < 0 || from == to) {
    // Both ends are of one program: the arrow comes back. Or the other end's has ended.
    const auto lane = static_cast<std::size_t>(from == 0 ? 0 : from - 1);
    const std::string label = row.to < 0 ? row.label : (ascii_ ? "@ " : "↻ ") + row.label;
    lanes[lane] = " " + pad_right(label, lane_columns - 1, ascii_);
    return lanes;
  }
  const bool to_right = to > from;
  for (int lane = std::min(from, to); lane < std::max(from, to); ++lane) {
    const bool is_next = lane == (to_right ? from : from - 1);
    const bool is_last = lane == (to_right ? to - 1 : to);
    lanes[static_cast<std::size_t>(lane)] =
        lane_with(is_next ? row.label : std::string(), to_right, is_last, row.is_inferred);
  }
  return lanes;
}

std::string RowPainter::join(std::string_view time, const std::vector<Place>& places,
                             const std::vector<std::string>& lanes, bool is_heading) const {
  const std::string wall = is_heading ? " " : ascii_ ? "|" : "│";
  std::string line(time);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const Place& place = places[i];
    const bool is_first = i == 0;
    const bool is_last = i + 1 == places.size();
    if (!is_first) line += " " + pad_right(place.left_state, state_columns, ascii_) + " ";
    if (is_first) {
      line += " " + pad_left(place.text, text_columns, ascii_);
    } else if (is_last) {
      line += place.text;
    } else {
      line += pad_right(place.text, text_columns, ascii_);
    }
    if (!is_last || is_first)
      line += " " + pad_right(place.right_state, state_columns, ascii_) + " ";
    if (i < lanes.size()) line += wall + lanes[i] + wall;
  }
  line.resize(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string RowPainter::heading(const std::vector<std::string>& titles) const {
  std::vector<Place> places;
  for (const int column : order_) {
    std::string title = titles[static_cast<std::size_t>(column)];
    places.push_back({.text = ascii_ ? to_ascii(title) : std::move(title)});
  }
  const std::size_t lanes = std::max<std::size_t>(1, order_.size() - 1);
  return join("      ms", places, std::vector<std::string>(lanes, std::string(lane_columns, ' ')),
              true);
}

std::string RowPainter::paint(const Row& row) const {
  std::vector<Place> places(order_.size());
  std::vector<std::string> below;
  for (const Row::Cell& cell : row.cells) {
    const auto at = static_cast<std::size_t>(place_of(cell.column));
    if (at >= places.size()) continue;
    const int facing = cell.facing < 0 ? -1 : place_of(cell.facing);
    const bool looks_right = facing > static_cast<int>(at) ||
                             (at == 0 && (facing < 0 || facing == static_cast<int>(at)));
    if (!cell.state.empty()) {
      (looks_right ? places[at].right_state : places[at].left_state) = cell.state;
    }
    if (cell.text.empty()) continue;
    places[at].text = ascii_ ? to_ascii(cell.text) : cell.text;
    if (cell.fd >= 0) {
      const std::string number = fmt::format("[{}]", cell.fd);
      places[at].text = at == 0 ? places[at].text + " " + number : number + " " + places[at].text;
    }
    const bool is_narrow = at + 1 < places.size() || at == 0;
    if (is_narrow && columns_of_wide(places[at].text) > text_columns) {
      below.push_back(places[at].text);
    }
    for (const std::string& note : cell.notes) {
      const std::string longer = places[at].text + " " + (ascii_ ? to_ascii(note) : note);
      if (is_narrow && columns_of_wide(longer) > text_columns) {
        below.push_back(note);
      } else {
        places[at].text = longer;
      }
    }
  }
  std::vector<std::string> lanes = lanes_of(ascii_ ? Row{.from = row.from,
                                                         .to = row.to,
                                                         .label = to_ascii(row.label),
                                                         .is_inferred = row.is_inferred}
                                                   : row);
  std::string text =
      join(fmt::format("{:8.1f}", static_cast<double>(row.at.count()) / 1e3), places, lanes, false);
  below.insert(below.end(), row.below.begin(), row.below.end());
  for (const std::string& sentence : below) {
    std::string wrapped;
    append_wrapped(wrapped, ascii_ ? to_ascii(sentence) : sentence, sentence_columns, hanging,
                   hanging);
    if (wrapped.size() <= hanging) continue;  // a recording may have sentences without a word
    wrapped.replace(hanging - 2, 1, ascii_ ? "`" : "└");
    text += wrapped;
  }
  return text;
}

}  // namespace ieum::cli::trace
