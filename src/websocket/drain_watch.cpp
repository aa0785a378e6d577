// DrainWatch: waits in the root scope as long as it has members.
#include "websocket/drain_watch.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "websocket/connection.hpp"

namespace ieum::websocket::detail {

namespace {

std::vector<std::unique_ptr<DrainWatch>>& watches() {
  thread_local std::vector<std::unique_ptr<DrainWatch>> all;
  return all;
}

}  // namespace

DrainWatch& DrainWatch::join(Connection& connection, Event& draining) {
  auto found = std::ranges::find_if(watches(),
                                    [&](const auto& one) { return &one->draining_ == &draining; });
  if (found == watches().end()) {
    watches().push_back(std::make_unique<DrainWatch>(draining));
    found = watches().end() - 1;
  }
  DrainWatch& watch = **found;
  if (watch.members_++ == 0) {
    watch.waiting_.emplace(draining.wait());
    const ieum::detail::Start start = watch.waiting_->start(watch, connection.loop.root());
    if (start.kind != ieum::detail::Start::Kind::pending) watch.waiting_.reset();
  }
  connection.drain_link.link_before(watch.connections_);
  if (draining.is_set()) connection.begin_close(CloseCode::going_away, {});
  return watch;
}

void DrainWatch::leave(DrainWatch& watch) noexcept {
  if (--watch.members_ > 0) return;
  if (watch.waiting_ && !watch.waiting_->withdraw()) return;  // the event has come: `ended` follows
  std::erase_if(watches(), [&](const auto& one) { return one.get() == &watch; });
}

ieum::detail::Frame* DrainWatch::ended(ieum::detail::Frame* /*child*/) noexcept {
  waiting_.reset();
  for (ieum::detail::ListLink* link = connections_.next; link != &connections_; link = link->next) {
    static_cast<Connection::DrainLink*>(link)->of.begin_close(CloseCode::going_away, {});
  }
  if (members_ == 0) std::erase_if(watches(), [&](const auto& one) { return one.get() == this; });
  return nullptr;
}

ieum::detail::Frame* DrainWatch::failed(Error& /*error*/) noexcept {
  waiting_.reset();  // the runtime stops
  if (members_ == 0) std::erase_if(watches(), [&](const auto& one) { return one.get() == this; });
  return nullptr;
}

}  // namespace ieum::websocket::detail
