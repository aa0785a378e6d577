// unless_failed: `attempt`, but what it waits for fails into a place of the caller's, or into none,
// so that an error, which is large, takes no room in a frame that hardly ever has one.
#pragma once

#include <cstdlib>
#include <optional>
#include <type_traits>
#include <utility>

#include <ieum/task.hpp>

namespace ieum::http::detail {

template <ieum::detail::Awaitable A>
class UnlessFailed {
  using Inner = typename A::value_type;

 public:
  /// True, or the value; false, or none, if it has failed.
  using value_type = std::conditional_t<std::is_void_v<Inner>, bool, std::optional<Inner>>;
  static constexpr bool consumes = ieum::detail::Consuming<A>;
  static constexpr bool partial = ieum::detail::Partial<A>;
  UnlessFailed(A&& inner, std::optional<Error>* error) noexcept
      : inner_(std::move(inner)), error_(error) {}

  class State final : public ieum::detail::Waiter {
   public:
    explicit State(UnlessFailed&& of) noexcept : inner_(std::move(of.inner_)), error_(of.error_) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    ieum::detail::Start start(ieum::detail::Waiter& waiter, ieum::detail::Scope& scope) noexcept {
      outer_ = &waiter;
      loop_ = &scope.loop();
      ieum::detail::Start start = inner_.start(*this, scope);
      if (start.kind == ieum::detail::Start::Kind::failed) {
        keep(inner_.take_error());
        start.kind = ieum::detail::Start::Kind::done;
      }
      return start;
    }
    value_type take() {
      if (has_failed_) return value_type();
      if constexpr (std::is_void_v<Inner>) {
        inner_.take();
        return true;
      } else {
        return inner_.take();
      }
    }
    [[noreturn]] Error take_error() noexcept { std::abort(); }

    ieum::detail::Frame* ended(ieum::detail::Frame* child) noexcept override {
      return outer_->ended(child);
    }
    ieum::detail::Frame* failed(Error& error) noexcept override {
      keep(error);
      if (ieum::detail::Frame* next = outer_->ended(nullptr)) loop_->enqueue_resume(*next);
      return nullptr;
    }
    [[nodiscard]] const ieum::detail::Frame* awaiting_frame() const noexcept override {
      return outer_->awaiting_frame();
    }

   private:
    void keep(const Error& error) noexcept {
      has_failed_ = true;
      if (error_ != nullptr) *error_ = error;
    }

    typename A::State inner_;
    std::optional<Error>* error_;
    ieum::detail::Waiter* outer_ = nullptr;
    ieum::detail::Loop* loop_ = nullptr;
    bool has_failed_ = false;
  };

 private:
  A inner_;
  std::optional<Error>* error_;
};

/// `error`, if it is not null, must live until this has ended.
template <ieum::detail::Awaitable A>
[[nodiscard]] UnlessFailed<A> unless_failed(A op, std::optional<Error>* error) noexcept {
  return UnlessFailed<A>(std::move(op), error);
}

}  // namespace ieum::http::detail
