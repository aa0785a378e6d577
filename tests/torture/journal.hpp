// Journal: what was constructed and destroyed, in order; and Tracked, the objects that write it.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ieum::test {

/// Lines "+name" and "-name" for each object, and what the test itself marks. Objects that were
/// moved from write no line, but are counted all the same: each address is constructed and
/// destroyed once.
class Journal {
 public:
  /// The one that objects write to now.
  static inline Journal* current = nullptr;

  Journal() noexcept : outer_(std::exchange(current, this)) {}
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal() { current = outer_; }

  void line(std::string text) { lines_.push_back(std::move(text)); }
  void constructed(const void* object) {
    if (!alive_.insert(object).second) defect("constructed over a living object");
  }
  void destroyed(const void* object) {
    if (alive_.erase(object) == 0) defect("destroyed an object that does not live");
  }
  void used(const void* object) {
    if (!alive_.contains(object)) defect("used an object that does not live");
  }
  void defect(const std::string& what) { defects_.push_back(what); }

  [[nodiscard]] std::size_t alive() const { return alive_.size(); }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
  [[nodiscard]] const std::vector<std::string>& defects() const { return defects_; }
  [[nodiscard]] bool has(std::string_view text) const {
    for (const std::string& line : lines_) {
      if (line == text) return true;
    }
    return false;
  }
  [[nodiscard]] std::string text() const {
    std::string all;
    for (const std::string& line : lines_) all += (all.empty() ? "" : " ") + line;
    return all;
  }

 private:
  Journal* outer_;
  std::vector<std::string> lines_;
  std::vector<std::string> defects_;
  std::set<const void*> alive_;
};

/// An object whose life the journal follows. Knows its own address: a bitwise copy is found out.
class Tracked {
 public:
  explicit Tracked(std::string name) : name_(std::move(name)) { begin("+"); }
  Tracked(const Tracked& other) : name_(other.name_) { begin("+"); }
  Tracked(Tracked&& other) noexcept : name_(other.give()) { Journal::current->constructed(this); }
  Tracked& operator=(const Tracked& other) {
    if (this != &other) *this = Tracked(other);
    return *this;
  }
  Tracked& operator=(Tracked&& other) noexcept {
    check();
    end();
    name_ = other.give();
    return *this;
  }
  ~Tracked() {
    check();
    end();
    Journal::current->destroyed(this);
  }

  /// 1. Something to call on an object that must live.
  [[nodiscard]] int number() const {
    check();
    return 1;
  }
  [[nodiscard]] int plus(int more) const { return number() + more; }
  [[nodiscard]] Tracked& self() {
    check();
    return *this;
  }
  [[nodiscard]] std::span<const Tracked> as_range() const { return {this, 1}; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  void begin(const char* sign) {
    Journal::current->constructed(this);
    Journal::current->line(sign + name_);
  }
  void end() noexcept {
    if (!name_.empty()) Journal::current->line("-" + name_);
  }
  std::string give() noexcept {
    check();
    return std::exchange(name_, std::string());
  }
  void check() const {
    Journal::current->used(this);
    if (self_ != this) Journal::current->defect("an object was copied bitwise");
  }

  std::string name_;
  const Tracked* self_ = this;
};

/// The same, move-only.
class OnlyMoved : public Tracked {
 public:
  using Tracked::Tracked;
  OnlyMoved(OnlyMoved&&) noexcept = default;
  OnlyMoved& operator=(OnlyMoved&&) noexcept = default;
  OnlyMoved(const OnlyMoved&) = delete;
  OnlyMoved& operator=(const OnlyMoved&) = delete;
  ~OnlyMoved() = default;
};

}  // namespace ieum::test
