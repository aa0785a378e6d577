#include "inspect/growth.hpp"

#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace ieum::cli {

void Growth::add(TimePoint time, Numbers numbers) {
  while (numbers.size() > names_max) numbers.erase(std::prev(numbers.end()));
  samples_.push_back({time, std::move(numbers)});
  // One sample is kept that is older than the window, so that the window is full.
  while (samples_.size() > samples_max ||
         (samples_.size() > 2 && time - samples_[1].time >= window)) {
    samples_.pop_front();
  }
}

std::string Growth::of(const std::string& name) const {
  if (samples_.size() < 2) return {};
  const auto number = [&](const Sample& sample) {
    const auto found = sample.numbers.find(name);
    return found == sample.numbers.end() ? 0.0 : static_cast<double>(found->second);
  };
  const Sample& first = samples_.front();
  const Sample& last = samples_.back();
  const double minutes =
      std::chrono::duration<double, std::ratio<60>>(last.time - first.time).count();
  if (last.time - first.time < least) return {};
  const double rate = std::round((number(last) - number(first)) / minutes);
  return rate == 0 ? std::string() : fmt::format(" {:+.0f} per minute", rate);
}

}  // namespace ieum::cli
