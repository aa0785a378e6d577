// Connect: the operation that connects a socket.
#pragma once

#include <utility>

#include <ieum/detail/loop.hpp>

namespace ieum::detail {

/// Connects a handle.
class Connect {
 public:
  using value_type = void;
  Connect(Loop* loop, int handle, const Address& to) noexcept
      : loop_(loop), handle_(handle), to_(to) {}

  class State final : public Leaf {
   public:
    explicit State(Connect&& connect) noexcept
        : Leaf(Kind::connect, connect.handle_), owner_(connect.loop_), to_(connect.to_) {
      address = &to_;
    }
    Start start(Waiter& waiter, Scope& scope) noexcept {
      if (scope.stopped()) {
        result = -ECANCELED;
        return at_once();
      }
      if (owner_->submit(*this)) return at_once();
      wait_in(waiter, scope);
      return {};
    }
    void take() const noexcept {}
    Error take_error() const noexcept { return error(); }
    [[nodiscard]] Error error() const noexcept override { return error_at(to_); }
    [[nodiscard]] const char* name() const noexcept override { return "connect"; }
    void on_stop() noexcept override { loop().cancel(*this); }

   private:
    Loop* owner_;
    Address to_;
  };

 private:
  Loop* loop_;
  int handle_;
  Address to_;
};

}  // namespace ieum::detail
