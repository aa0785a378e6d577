// Fields: looked for in their order; there are few.
#include <ieum/http/fields.hpp>

#include <algorithm>
#include <utility>

#include "http/syntax.hpp"

namespace ieum::http {

using detail::equal_ignoring_case;

std::optional<std::string_view> Fields::get(std::string_view name) const noexcept {
  for (const Field field : *this) {
    if (equal_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::string Fields::all(std::string_view name) const {
  std::string values;
  bool first = true;
  for (const Field field : *this) {
    if (!equal_ignoring_case(field.name, name)) continue;
    if (!std::exchange(first, false)) values += ", ";
    values += field.value;
  }
  return values;
}

std::size_t Fields::count(std::string_view name) const noexcept {
  std::size_t found = 0;
  for (const Field field : *this) {
    if (equal_ignoring_case(field.name, name)) ++found;
  }
  return found;
}

bool Fields::lists(std::string_view name, std::string_view element) const noexcept {
  for (const Field field : *this) {
    if (!equal_ignoring_case(field.name, name)) continue;
    std::string_view list = field.value;
    for (;;) {
      const std::string_view one = detail::next_element(list);
      if (one.empty()) break;
      if (equal_ignoring_case(one, element)) return true;
    }
  }
  return false;
}

Result<> Fields::add(std::string_view name, std::string_view value) {
  value = detail::trimmed(value);
  if (!detail::is_token(name)) {
    return fail(Error(std::errc::invalid_argument, "add field").with_detail("its name is none"));
  }
  if (!detail::is_field_value(value)) {
    return fail(Error(std::errc::invalid_argument, "add field")
                    .with_name(name)
                    .with_detail("its value has a control character"));
  }
  append(name, value);
  return {};
}

void Fields::append(std::string_view name, std::string_view value) {
  const std::size_t at = text_.size();
  const std::size_t value_at = at + name.size();
  const std::size_t size = value_at + value.size();
  // libstdc++ 12 tells the function the capacity, not the size that was asked for.
  const auto write = [&](char* text, std::size_t /*capacity*/) {
    std::copy(name.begin(), name.end(), text + at);
    std::copy(value.begin(), value.end(), text + value_at);
    return size;
  };
  text_.resize_and_overwrite(size, write);
  entries_.push_back({.name_at = static_cast<std::uint32_t>(at),
                      .value_at = static_cast<std::uint32_t>(value_at),
                      .name_bytes = static_cast<std::uint32_t>(name.size()),
                      .value_bytes = static_cast<std::uint32_t>(value.size())});
}

Result<> Fields::set(std::string_view name, std::string_view value) {
  const std::size_t before = entries_.size();
  Result<> added = add(name, value);
  if (!added) return added;
  const Entry entry = entries_.back();
  for (std::size_t i = 0; i < before; ++i) {
    if (!equal_ignoring_case((*this)[i].name, (*this)[before].name)) continue;
    entries_.pop_back();
    const std::string_view own = at(entry.name_at, entry.name_bytes);
    entries_[i] = entry;
    const auto same = [&](const Entry& other) {
      return equal_ignoring_case(at(other.name_at, other.name_bytes), own);
    };
    const auto rest = entries_.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    entries_.erase(std::remove_if(rest, entries_.end(), same), entries_.end());
    break;
  }
  return {};
}

std::size_t Fields::remove(std::string_view name) noexcept {
  return std::erase_if(entries_, [&](const Entry& entry) {
    return equal_ignoring_case(at(entry.name_at, entry.name_bytes), name);
  });
}

}  // namespace ieum::http
