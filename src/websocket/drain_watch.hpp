// DrainWatch: tells all WebSockets of a server that it is drained. One waits for the server's event
// for all of them, since an idle one has no memory for that.
#pragma once

#include <optional>

#include <ieum/event.hpp>

namespace ieum::websocket::detail {

class Connection;

class DrainWatch final : public ieum::detail::Waiter {
 public:
  explicit DrainWatch(Event& draining) noexcept : draining_(draining) {}
  DrainWatch(const DrainWatch&) = delete;
  DrainWatch& operator=(const DrainWatch&) = delete;
  ~DrainWatch() = default;

  /// The thread's one for this event.
  static DrainWatch& join(Connection& connection, Event& draining);
  /// One that had joined has left.
  static void leave(DrainWatch& watch) noexcept;

  ieum::detail::Frame* ended(ieum::detail::Frame* child) noexcept override;
  ieum::detail::Frame* failed(Error& error) noexcept override;
  [[nodiscard]] const ieum::detail::Frame* awaiting_frame() const noexcept override {
    return nullptr;
  }

 private:
  Event& draining_;
  std::size_t members_ = 0;
  ieum::detail::ListLink connections_;
  std::optional<ieum::detail::EventWait::State> waiting_;
};

}  // namespace ieum::websocket::detail
