#include "get/event_reader.hpp"

#include <charconv>
#include <utility>

namespace ieum::cli {

bool EventReader::feed(std::string_view text, std::vector<http::ServerEvent>& events) {
  for (const char c : text) {
    if (c == '\n' && std::exchange(after_cr_, false)) continue;
    after_cr_ = c == '\r';
    if (c == '\r' || c == '\n') {
      take_line(line_, events);
      line_.clear();
    } else {
      if (line_.size() == bytes_max) return false;
      line_ += c;
    }
    if (event_.data.size() > bytes_max) return false;
  }
  return true;
}

void EventReader::restart() {
  line_.clear();
  event_ = {};
  has_data_ = false;
  is_first_ = true;
  after_cr_ = false;
}

void EventReader::take_line(std::string_view line, std::vector<http::ServerEvent>& events) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (std::exchange(is_first_, false) && line.starts_with(byte_order_mark)) {
    line.remove_prefix(byte_order_mark.size());
  }
  if (line.empty()) {
    last_id_ = id_;
    if (has_data_) {
      event_.id = id_;
      event_.data.pop_back();  // the last line's end
      events.push_back(std::move(event_));
    }
    event_ = {};
    has_data_ = false;
    return;
  }
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == line.npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    has_data_ = true;
    event_.data.append(value).append("\n");
  } else if (name == "event") {
    event_.event = value;
  } else if (name == "id" && value.find('\0') == value.npos) {
    id_ = value;
  } else if (name == "retry") {
    unsigned milliseconds = 0;
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), milliseconds);
    if (error == std::errc() && end == value.data() + value.size()) {
      retry_ = std::chrono::milliseconds(milliseconds);
    }
  }
}

}  // namespace ieum::cli
