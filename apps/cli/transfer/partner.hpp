// Partner: a connection to the other of the two commands, `ieum send` and `ieum recv`.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "ends/connection_end.hpp"
#include "report/event_log.hpp"
#include "report/failure.hpp"
#include "transfer/frames.hpp"

namespace ieum::cli {

struct Partner {
  /// Its members refer to each other: it stays where it is.
  Partner(Connection connection, std::unique_ptr<EventLog> log)
      : own(std::move(log)),
        events(*own),
        end(std::move(connection), events),
        frames(end, events) {}
  Partner(const Partner&) = delete;
  Partner& operator=(const Partner&) = delete;
  ~Partner() = default;

  /// Says hello, and hears it: none, or why whoever is there is not `other`.
  [[nodiscard]] Task<std::optional<Failure>> greet(std::string_view other);
  /// What came was a hello, and damaged.
  [[nodiscard]] bool was_damaged() const noexcept { return was_damaged_; }

  std::unique_ptr<EventLog> own;  // where TLS, which tells it of messages, knows it to be
  EventLog& events;
  ConnectionEnd end;
  Frames frames;

 private:
  [[nodiscard]] std::string explain_greeting(const Result<Frames::Frame>& hello,
                                             std::string_view other);
  bool was_damaged_ = false;
};

}  // namespace ieum::cli
