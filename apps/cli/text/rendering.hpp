// Rendering: what went over a connection, as a hexadecimal dump or with times before the lines.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <ieum/operation.hpp>

namespace ieum::cli {

enum class Side : std::uint8_t { received, sent };

/// Pure: makes text of bytes. Of a time it knows only what it is told.
class Rendering {
 public:
  struct Options {
    bool hex = false;
    bool timestamps = false;
  };
  /// `label` stands before each line, after the time: of one of several connections.
  explicit Rendering(const Options& options, std::string label = {})
      : options_(options), label_(std::move(label)) {}

  /// Bytes are to be written as they are.
  [[nodiscard]] bool is_plain() const noexcept { return !options_.hex && !options_.timestamps; }
  /// What is sent is shown too, not only what is received.
  [[nodiscard]] bool shows_both() const noexcept { return options_.hex; }

  [[nodiscard]] const std::string& label() const noexcept { return label_; }
  /// The last line has not ended yet.
  [[nodiscard]] bool in_line() const noexcept { return in_line_; }
  /// Somebody else has ended it.
  void end_line() noexcept { in_line_ = false; }

  /// Appends `data`, which went at `time`. Of a dump, no bytes are a row too: an empty datagram.
  void render(std::string& to, Side side, ConstBuffer data, std::string_view time);

 private:
  void render_hex(std::string& to, Side side, ConstBuffer data, std::string_view time);
  void render_lines(std::string& to, ConstBuffer data, std::string_view time);

  void begin_line(std::string& to, std::string_view time) const;

  Options options_;
  std::string label_;
  std::array<std::uint64_t, 2> offsets_{};  // of each side
  bool in_line_ = false;
};

}  // namespace ieum::cli
