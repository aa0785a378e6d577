// EventLog: what happened, one line an event, for the hub's operator.
#pragma once

#include <atomic>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace ieum::hub {

/// Writes `time event key=value …` to standard error, or JSON objects. What clients have sent is
/// escaped: no line of theirs can look like another event. Any thread.
class EventLog {
 public:
  using Field = std::pair<std::string_view, std::string_view>;

  explicit EventLog(bool json = false, bool quiet = false) noexcept : json_(json), quiet_(quiet) {}
  void write(std::string_view event, std::initializer_list<Field> fields = {}) const;
  void set_json(bool json) noexcept { json_ = json; }

 private:
  std::atomic<bool> json_;
  bool quiet_;
};

}  // namespace ieum::hub
