// Conditions and ranges, in the order that the RFC prescribes.
#include "http/conditions.hpp"

#include <algorithm>
#include <string>

#include <ieum/http/date.hpp>

#include "http/syntax.hpp"

namespace ieum::http::detail {

namespace {

/// Whether a list of entity tags has ours. A tag may contain commas, so it is not any list.
bool has_tag(std::string_view list, std::string_view etag, bool weak_is_enough) noexcept {
  if (trimmed(list) == "*") return true;
  for (;;) {
    while (!list.empty() && (list.front() == ' ' || list.front() == '\t' || list.front() == ',')) {
      list.remove_prefix(1);
    }
    const bool is_weak = list.starts_with("W/");
    if (is_weak) list.remove_prefix(2);
    if (!list.starts_with('"')) return false;
    const std::size_t end = list.find('"', 1);
    if (end == list.npos) return false;
    if (list.substr(0, end + 1) == etag && (weak_is_enough || !is_weak)) return true;
    list.remove_prefix(end + 1);
  }
}

bool is_read(Method method) noexcept { return method == Method::get || method == Method::head; }

std::optional<std::uint64_t> parse_number(std::string_view text) noexcept {
  if (text.empty() || text.size() > 18 || !are_of(text, characters::digit)) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : text) number = number * 10 + static_cast<unsigned>(c - '0');
  return number;
}

/// `0-99`, `100-`, `-5`; none if it is none; no bytes if it is beyond the end.
std::optional<ByteRange> parse_range(std::string_view text, std::uint64_t size) noexcept {
  const std::size_t dash = text.find('-');
  if (dash == text.npos) return std::nullopt;
  const std::string_view first = text.substr(0, dash);
  const std::string_view last = text.substr(dash + 1);
  if (first.empty()) {
    const std::optional<std::uint64_t> suffix = parse_number(last);
    if (!suffix) return std::nullopt;
    const std::uint64_t bytes = std::min(*suffix, size);
    return ByteRange{size - bytes, bytes};
  }
  const std::optional<std::uint64_t> from = parse_number(first);
  const std::optional<std::uint64_t> to = last.empty() ? size : parse_number(last);
  if (!from || !to || (!last.empty() && *to < *from)) return std::nullopt;
  if (*from >= size) return ByteRange{};
  return ByteRange{*from, std::min(last.empty() ? size : *to + 1, size) - *from};
}

/// Whether what the client has of it is what would be sent (section 13.1.5).
bool is_same_version(std::string_view if_range, const Validators& of) {
  if (if_range.starts_with('"') || if_range.starts_with("W/")) return if_range == of.etag;
  const std::optional<std::chrono::sys_seconds> date = parse_date(if_range);
  return date && *date == of.modified;
}

}  // namespace

Status judge_conditions(const Fields& request, Method method, const Validators& of) {
  if (request.has("If-Match")) {
    if (!has_tag(request.all("If-Match"), of.etag, false)) return Status::precondition_failed;
  } else if (const auto since = request.get("If-Unmodified-Since")) {
    const std::optional<std::chrono::sys_seconds> date = parse_date(*since);
    if (date && of.modified > *date) return Status::precondition_failed;
  }
  if (request.has("If-None-Match")) {
    if (!has_tag(request.all("If-None-Match"), of.etag, true)) return Status::ok;
    return is_read(method) ? Status::not_modified : Status::precondition_failed;
  }
  if (const auto since = request.get("If-Modified-Since"); since && is_read(method)) {
    const std::optional<std::chrono::sys_seconds> date = parse_date(*since);
    if (date && of.modified <= *date) return Status::not_modified;
  }
  return Status::ok;
}

Ranges judge_ranges(const Fields& request, Method method, const Validators& of,
                    std::uint64_t size) {
  const std::optional<std::string_view> asked = request.get("Range");
  if (!asked || method != Method::get || request.count("Range") != 1) return {};
  if (const auto version = request.get("If-Range"); version && !is_same_version(*version, of)) {
    return {};
  }
  constexpr std::string_view unit = "bytes=";
  if (!equal_ignoring_case(asked->substr(0, unit.size()), unit)) return {};
  Ranges ranges;
  std::string_view list = asked->substr(unit.size());
  std::size_t count = 0;
  for (;;) {
    const std::string_view element = next_element(list);
    if (element.empty()) break;
    const std::optional<ByteRange> range = parse_range(element, size);
    if (!range || ++count > ranges_max) return {};
    if (range->bytes > 0) ranges.parts.push_back(*range);
  }
  if (count == 0) return {};
  if (ranges.parts.empty()) {
    ranges.kind = Ranges::Kind::unsatisfiable;
    return ranges;
  }
  std::vector<ByteRange> sorted = ranges.parts;
  std::ranges::sort(sorted, {}, &ByteRange::at);
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i].at < sorted[i - 1].at + sorted[i - 1].bytes) return {};
  }
  ranges.kind = Ranges::Kind::parts;
  return ranges;
}

bool accepts_coding(const Fields& request, std::string_view coding) {
  const std::string list = request.all("Accept-Encoding");
  std::string_view rest = list;
  bool all = false;
  for (;;) {
    const std::string_view element = next_element(rest);
    if (element.empty()) return all;
    const std::size_t mark = std::min(element.find(';'), element.size());
    const std::string_view name = trimmed(element.substr(0, mark));
    std::string_view weight = trimmed(element.substr(std::min(mark + 1, element.size())));
    bool is_zero = false;
    if (weight.starts_with("q=") || weight.starts_with("Q=")) {
      weight.remove_prefix(2);
      is_zero = weight.find_first_not_of("0.") == weight.npos;
    }
    if (equal_ignoring_case(name, coding)) return !is_zero;
    if (name == "*") all = !is_zero;
  }
}

}  // namespace ieum::http::detail
