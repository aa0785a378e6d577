// Probe: the awaited things that the idioms are made of, twice: as tasks, and as plain functions
// that throw. Both write the same journal if a failed await behaves like a thrown exception would.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <ieum/result.hpp>
#include <ieum/task.hpp>

#include "torture/journal.hpp"
#include "torture/plan.hpp"

namespace ieum::test {

using Large = std::array<std::uint64_t, 2048>;

class ProbeBase {
 public:
  explicit ProbeBase(Plan& plan) noexcept : plan_(plan) {}
  void mark(const char* text) const { Journal::current->line(text); }

  /// A point of plain code: true where `fail` is to be raised; may throw.
  [[nodiscard]] bool fails_here() const {
    if (!plan_.counts_plain_code() || !plan_.next()) return false;
    if (plan_.way == Way::exception) throw UserException();
    return true;
  }

 protected:
  Plan& plan_;
};

namespace awaited {

template <class T = void>
using Future = Task<T>;

class Probe : public ProbeBase {
 public:
  using ProbeBase::ProbeBase;

  [[nodiscard]] Point op(int value) const { return {plan_, value}; }
  [[nodiscard]] Result<int> ready(int value) const {
    if (fails_here()) return fail(std::errc::io_error, "ready");
    return value;
  }
  Task<> nothing() {
    Tracked local("nothing");
    co_await op(0);
  }
  Task<int> task(int value) {
    Tracked local("task");
    const int got = co_await op(value);
    co_return got;
  }
  Task<bool> flag(bool value) {
    Tracked local("flag");
    const int got = co_await op(value ? 1 : 0);
    co_return got == 1;
  }
  Task<int> take(Tracked argument) {
    Tracked local("take");
    const int got = co_await op(1);
    co_return got + argument.number();
  }
  Task<int> take(Tracked first, Tracked second) {
    Tracked local("take");
    const int got = co_await op(1);
    co_return got + first.number() + second.number();
  }
  Task<int> see(const Tracked& object) {
    Tracked local("see");
    const int got = co_await op(1);
    co_return got + object.number();
  }
  Task<Tracked> make(const char* name) {
    Tracked made(name);
    co_await op(1);
    co_return made;
  }
  Task<OnlyMoved> make_only_moved(const char* name) {
    OnlyMoved made(name);
    co_await op(1);
    co_return made;
  }
  Task<std::pair<Tracked, Tracked>> make_pair(const char* first, const char* second) {
    Tracked one(first);
    co_await op(1);
    Tracked two(second);
    co_await op(1);
    co_return std::pair<Tracked, Tracked>(std::move(one), std::move(two));
  }
  Task<std::vector<Tracked>> make_vector(const char* name, int count) {
    std::vector<Tracked> made;
    made.reserve(8);
    for (int i = 0; i < count; ++i) {
      co_await op(1);
      made.emplace_back(name + std::to_string(i));
    }
    co_return made;
  }
  Task<std::unique_ptr<Tracked>> make_box(const char* name) {
    auto made = std::make_unique<Tracked>(name);
    co_await op(1);
    co_return made;
  }
  Task<std::optional<Tracked>> make_if(bool wanted, const char* name) {
    std::optional<Tracked> made;
    co_await op(1);
    if (wanted) made.emplace(name);
    co_return made;
  }
  Task<std::string> text(std::string value) {
    Tracked local("text");
    co_await op(1);
    co_return value;
  }
  Task<Large> large() {
    Large made{};
    made[7] = static_cast<std::uint64_t>(co_await op(7));
    co_return made;
  }
  Task<int*> pointer(int& to) {
    co_await op(1);
    co_return &to;
  }
  Task<int> recurse(int levels) {
    Tracked local("level" + std::to_string(levels));
    int sum = co_await op(1);
    if (levels > 1) sum += co_await recurse(levels - 1);
    const int more = co_await op(1);
    co_return sum + more;
  }
};

}  // namespace awaited

namespace plain {

template <class T = void>
using Future = T;

class Probe : public ProbeBase {
 public:
  using ProbeBase::ProbeBase;

  int op(int value) const {
    const bool chosen = plan_.next();
    if (chosen && plan_.way == Way::exception) throw UserException();
    const bool stopped = plan_.stays() && plan_.fail_at > 0 && plan_.points > plan_.fail_at;
    if (chosen || stopped) throw Failed{plan_.code()};
    return value;
  }
  int ready(int value) const {
    if (fails_here()) throw Failed{std::errc::io_error};
    return value;
  }
  void nothing() const {
    Tracked local("nothing");
    op(0);
  }
  int task(int value) const {
    Tracked local("task");
    return op(value);
  }
  bool flag(bool value) const {
    Tracked local("flag");
    return op(value ? 1 : 0) == 1;
  }
  // Arguments are moved into locals: a task's arguments live in its frame.
  int take(Tracked given) const {
    Tracked argument = std::move(given);
    Tracked local("take");
    return op(1) + argument.number();
  }
  int take(Tracked given_first, Tracked given_second) const {
    Tracked first = std::move(given_first);
    Tracked second = std::move(given_second);
    Tracked local("take");
    return op(1) + first.number() + second.number();
  }
  int see(const Tracked& object) const {
    Tracked local("see");
    return op(1) + object.number();
  }
  Tracked make(const char* name) const {
    Tracked made(name);
    op(1);
    return made;
  }
  OnlyMoved make_only_moved(const char* name) const {
    OnlyMoved made(name);
    op(1);
    return made;
  }
  std::pair<Tracked, Tracked> make_pair(const char* first, const char* second) const {
    Tracked one(first);
    op(1);
    Tracked two(second);
    op(1);
    return {std::move(one), std::move(two)};
  }
  std::vector<Tracked> make_vector(const char* name, int count) const {
    std::vector<Tracked> made;
    made.reserve(8);
    for (int i = 0; i < count; ++i) {
      op(1);
      made.emplace_back(name + std::to_string(i));
    }
    return made;
  }
  std::unique_ptr<Tracked> make_box(const char* name) const {
    auto made = std::make_unique<Tracked>(name);
    op(1);
    return made;
  }
  std::optional<Tracked> make_if(bool wanted, const char* name) const {
    std::optional<Tracked> made;
    op(1);
    if (wanted) made.emplace(name);
    return made;
  }
  std::string text(std::string value) const {
    Tracked local("text");
    op(1);
    return value;
  }
  Large large() const {
    Large made{};
    made[7] = static_cast<std::uint64_t>(op(7));
    return made;
  }
  int* pointer(int& to) const {
    op(1);
    return &to;
  }
  int recurse(int levels) const {
    Tracked local("level" + std::to_string(levels));
    int sum = op(1);
    if (levels > 1) sum += recurse(levels - 1);
    return sum + op(1);
  }
};

/// `co_await attempt(f)`.
template <class F>
Result<std::invoke_result_t<F>> attempt(F f) {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
      f();
      return {};
    } else {
      return f();
    }
  } catch (const Failed& failed) {
    return fail(failed.code, "plain");
  }
}

}  // namespace plain

}  // namespace ieum::test
