#include "report/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <ieum/printable.hpp>

#include "text/terminal.hpp"
#include "text/units.hpp"
#include "text/wrap.hpp"

namespace ieum::cli {

namespace {

constexpr auto interval = std::chrono::milliseconds(100);
/// The rate is that of the last three seconds.
constexpr std::size_t samples_max = 30;

void write_error(std::string_view text) {
  // A terminal that is gone is told nothing.
  static_cast<void>(::write(STDERR_FILENO, text.data(), text.size()));
}

}  // namespace

Progress::Progress(bool is_shown, std::string name) : is_shown_(is_shown), name_(printable(name)) {}

void Progress::begin(std::uint64_t done, std::optional<std::uint64_t> total) {
  done_ = done;
  total_ = total;
  samples_.clear();
  samples_.push_back({Clock::now(), moved_});
}

void Progress::begin_next(std::string_view name, std::uint64_t done, std::uint64_t total) {
  if (samples_.empty()) return begin(done, total);
  name_ = printable(name);
  done_ = done;
  total_ = total;
}

void Progress::at(std::uint64_t done) {
  moved_ += done - std::min(done, done_);
  done_ = done;
  if (!is_shown_) return;
  const Clock::time_point now = Clock::now();
  if (now - samples_.back().time >= interval) draw(now);
}

void Progress::draw(Clock::time_point now) {
  samples_.push_back({now, moved_});
  if (samples_.size() > samples_max) samples_.pop_front();
  is_drawn_ = true;
  write_error("\r" + line(text_columns(STDERR_FILENO) - 1) + "\x1b[K");
}

void Progress::clear() {
  if (std::exchange(is_drawn_, false)) write_error("\r\x1b[K");
}

std::string Progress::line(int columns) const {
  std::string what = format_bytes(done_);
  if (total_ && *total_ > 0) {
    what += fmt::format(
        " of {}, {} %", format_bytes(*total_),
        static_cast<int>(static_cast<double>(done_) * 100 / static_cast<double>(*total_)));
  }
  const double seconds =
      std::chrono::duration<double>(samples_.back().time - samples_.front().time).count();
  if (seconds > 0) {
    const double rate =
        static_cast<double>(samples_.back().moved - samples_.front().moved) / seconds;
    what += fmt::format("  {}/s", format_bytes(static_cast<std::uint64_t>(rate)));
    if (total_ && rate > 1 && *total_ >= done_) {
      const auto left = std::chrono::seconds(
          static_cast<std::int64_t>(static_cast<double>(*total_ - done_) / rate) + 1);
      what += fmt::format("  {} left", format_duration(left));
    }
  }
  const std::size_t room =
      static_cast<std::size_t>(columns) -
      std::min<std::size_t>(columns_of(what) + 2, static_cast<std::size_t>(columns));
  std::string name = name_;
  if (columns_of(name) > room) name.clear();  // rather than half of a wide character
  return name.empty() ? what : name + "  " + what;
}

}  // namespace ieum::cli
