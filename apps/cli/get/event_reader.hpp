// EventReader: server-sent events out of the bytes of a body (WHATWG HTML, section 9.2.6).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/http/body.hpp>

namespace ieum::cli {

/// Pure: it is fed, and gives what is whole.
class EventReader {
 public:
  /// Of a line, and of an event's data.
  static constexpr std::size_t bytes_max = std::size_t{1} << 20U;

  /// The events that `text` completes. False: one is too long.
  [[nodiscard]] bool feed(std::string_view text, std::vector<http::ServerEvent>& events);
  /// What a server that is asked again wants to know; empty if it has said none.
  [[nodiscard]] const std::string& last_id() const noexcept { return last_id_; }
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry() const noexcept { return retry_; }
  /// The stream begins anew: half an event is dropped.
  void restart();

 private:
  void take_line(std::string_view line, std::vector<http::ServerEvent>& events);

  std::string line_;
  bool after_cr_ = false;
  bool is_first_ = true;
  bool has_data_ = false;
  http::ServerEvent event_;
  std::string id_;
  std::string last_id_;
  std::optional<std::chrono::milliseconds> retry_;
};

}  // namespace ieum::cli
