#include "trace/replay.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <istream>
#include <sstream>

#include <fmt/format.h>

#include "text/suggest.hpp"

namespace ieum::cli::trace {

namespace {

/// The times of a recording never go back, whoever wrote it.
class InOrder {
 public:
  explicit InOrder(const EventSink& sink) : sink_(sink) {}

  std::expected<void, std::string> take_line(std::string_view line) {
    ++number_;
    if (line.empty()) return {};
    std::optional<Event> event;
    if (line.size() <= recorded_line_bytes_max) event = parse_event(line);
    const bool begins = event && event->kind == EventKind::begin;
    if (!event || (number_ == 1) != begins) {
      return std::unexpected(number_ == 1
                                 ? std::string("it is no recording of 'ieum trace -o'")
                                 : fmt::format("line {} is no event of a recording", number_));
    }
    last_ = std::max(last_, event->at);
    event->at = last_;
    ended_ = ended_ || event->kind == EventKind::end;
    sink_(*event);
    return {};
  }

  /// A recording that was cut off ends too.
  void finish() {
    if (number_ > 0 && !ended_) sink_({.kind = EventKind::end, .at = last_});
  }
  [[nodiscard]] bool is_empty() const noexcept { return number_ == 0; }

 private:
  const EventSink& sink_;
  std::size_t number_ = 0;
  Time last_{};
  bool ended_ = false;
};

std::expected<void, std::string> replay_stream(std::istream& stream, const EventSink& sink) {
  InOrder events(sink);
  for (std::string line; std::getline(stream, line);) {
    // The last line of a recording that was cut off.
    const bool is_cut = stream.eof() && !parse_event(line);
    if (is_cut && !events.is_empty()) break;
    const auto taken = events.take_line(line);
    if (!taken) return taken;
  }
  if (stream.bad()) return std::unexpected(std::strerror(errno));
  if (events.is_empty()) return std::unexpected("it is empty");
  events.finish();
  return {};
}

}  // namespace

std::expected<void, std::string> replay(std::string_view text, const EventSink& sink) {
  std::istringstream stream{std::string(text)};
  return replay_stream(stream, sink);
}

std::expected<void, std::string> replay_file(const std::string& path, const EventSink& sink) {
  const auto about = [&](const std::string& sentence) {
    return std::unexpected(fmt::format("{}: {}", shown(path), sentence));
  };
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) return about(std::strerror(errno));
  }
  const auto replayed = replay_stream(path == "-" ? std::cin : file, sink);
  if (!replayed) return about(replayed.error());
  return {};
}

}  // namespace ieum::cli::trace
