// Connect: the operation that connects a socket.
#pragma once

#include <ieum/detail/loop.hpp>

namespace ieum::detail {

/// Connects a handle.
class Connect {
 public:
  using value_type = void;
  Connect(Loop* loop, int handle, const Address& to) noexcept
      : loop_(loop), handle_(handle), to_(to) {}

  class State final : public DriverLeaf {
   public:
    explicit State(Connect&& connect) noexcept
        : DriverLeaf(Kind::connect, connect.handle_, connect.loop_), to_(connect.to_) {
      address = &to_;
    }
    void take() const noexcept {}
    Error take_error() const noexcept { return error(); }
    [[nodiscard]] Error error() const noexcept override { return error_at(to_); }
    [[nodiscard]] const char* name() const noexcept override { return "connect"; }

   private:
    Address to_;
  };

 private:
  Loop* loop_;
  int handle_;
  Address to_;
};

}  // namespace ieum::detail
