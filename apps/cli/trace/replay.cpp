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

  /// `is_last`: nothing follows, not even the end of the line.
  std::expected<void, std::string> take_line(std::string_view line, bool is_last) {
    ++number_;
    if (line.empty() && number_ > 1) return {};
    std::optional<Event> event;
    if (line.size() <= recorded_line_bytes_max) event = parse_event(line);
    const bool begins = event && event->kind == EventKind::begin;
    if (number_ == 1 && !begins) {
      return std::unexpected("it is no recording of 'ieum trace -o'");
    }
    if (!event && is_last) return {};  // finish() says that it was cut off
    if (!event || (number_ > 1 && begins)) {
      return std::unexpected(fmt::format("line {} is no event of a recording", number_));
    }
    begun_ = true;
    last_ = std::max(last_, event->at);
    event->at = last_;
    ended_ = ended_ || event->kind == EventKind::end;
    sink_(*event);
    return {};
  }

  /// One that was cut off ends too. False: it was.
  bool finish() {
    if (ended_ || !begun_) return true;
    sink_({.kind = EventKind::end, .at = last_});
    return false;
  }
  [[nodiscard]] bool is_empty() const noexcept { return number_ == 0; }

 private:
  const EventSink& sink_;
  std::size_t number_ = 0;
  Time last_{};
  bool begun_ = false;
  bool ended_ = false;
};

std::expected<void, std::string> replay_stream(std::istream& stream, const EventSink& sink) {
  InOrder events(sink);
  for (std::string line; std::getline(stream, line);) {
    const auto taken = events.take_line(line, stream.eof());
    if (taken) continue;
    events.finish();
    return taken;
  }
  if (stream.bad()) {
    const int error = errno;
    events.finish();
    return std::unexpected(std::strerror(error));
  }
  if (events.is_empty()) return std::unexpected("it is empty");
  if (events.finish()) return {};
  return std::unexpected(
      "the recording was cut off, as by a full disk or a kill: its last events are missing");
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
