// Fields: the header fields of a message, or its trailer fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/result.hpp>

#pragma GCC visibility push(default)
namespace ieum::http {

class Response;
namespace detail {
class HeadParser;
}

/// A field as `Fields` shows it: views, valid until the fields are changed.
struct Field {
  std::string_view name;
  std::string_view value;
};

/// Fields in the order in which they came or were added (RFC 9110, section 5). Names are compared
/// without regard to case, and keep the case that they were given. A name may come several times.
/// What a view points to is valid until the fields are changed or destroyed.
class Fields {
 public:
  class Iterator;

  /// The value of the first field of this name; none if there is none.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept;
  /// All values of this name, with `, ` between them: what a list is in one line (RFC 9110, section
  /// 5.3); not for `Set-Cookie`. Empty if there is none.
  [[nodiscard]] std::string all(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const noexcept { return get(name).has_value(); }
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
  /// Whether a field of this name, a list, has this element; compared without regard to case.
  [[nodiscard]] bool lists(std::string_view name, std::string_view element) const noexcept;

  /// Adds a field behind the others. Whitespace round the value is left off. Error, and nothing is
  /// added: `invalid_argument`: the name is not one, or the value has a CR, an LF or another
  /// control, so that no text can become a field of its own.
  Result<> add(std::string_view name, std::string_view value);
  /// The same in the place of all fields of this name.
  Result<> set(std::string_view name, std::string_view value);
  /// Gives how many there were.
  std::size_t remove(std::string_view name) noexcept;
  void clear() noexcept {
    text_.clear();
    entries_.clear();
  }

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] Field operator[](std::size_t index) const noexcept {
    const Entry& entry = entries_[index];
    return {at(entry.name_at, entry.name_bytes), at(entry.value_at, entry.value_bytes)};
  }
  [[nodiscard]] Iterator begin() const noexcept;
  [[nodiscard]] Iterator end() const noexcept;

 private:
  friend class detail::HeadParser;
  friend class Response;
  struct Entry {
    std::uint32_t name_at;
    std::uint32_t value_at;
    std::uint32_t name_bytes;
    std::uint32_t value_bytes;
  };
  [[nodiscard]] std::string_view at(std::size_t from, std::size_t size) const noexcept {
    return {text_.data() + from, size};
  }

  /// Of a name and a value that are known to be ones.
  void append(std::string_view name, std::string_view value);

  std::string text_;  // what the entries point into: a head as it came, then what was added
  std::vector<Entry> entries_;
};

class Fields::Iterator {
 public:
  using value_type = Field;
  using difference_type = std::ptrdiff_t;
  using iterator_category = std::input_iterator_tag;
  using reference = Field;
  using pointer = void;
  Iterator() noexcept = default;
  Iterator(const Fields& fields, std::size_t index) noexcept : fields_(&fields), index_(index) {}
  Field operator*() const noexcept { return (*fields_)[index_]; }
  Iterator& operator++() noexcept {
    ++index_;
    return *this;
  }
  Iterator operator++(int) noexcept {
    Iterator before = *this;
    ++index_;
    return before;
  }
  bool operator==(const Iterator& other) const noexcept { return index_ == other.index_; }

 private:
  const Fields* fields_ = nullptr;
  std::size_t index_ = 0;
};

inline Fields::Iterator Fields::begin() const noexcept { return {*this, 0}; }
inline Fields::Iterator Fields::end() const noexcept { return {*this, entries_.size()}; }

}  // namespace ieum::http
#pragma GCC visibility pop
