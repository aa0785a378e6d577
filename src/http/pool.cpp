// Pool: who may use a connection, and how long an unused one is kept.
#include "http/pool.hpp"

#include <algorithm>

#include <ieum/select.hpp>
#include <ieum/timeout.hpp>

namespace ieum::http::detail {

Pool::~Pool() { close_all(); }

Task<Pool::Slot> Pool::acquire(std::string key, bool is_new) {
  const std::shared_ptr<Pool> self = shared_from_this();
  std::shared_ptr<Origin>& found = origins_[key];
  if (found == nullptr) found = std::make_shared<Origin>(key, limits_.per_origin_max);
  const std::shared_ptr<Origin> origin = found;
  Slot slot;
  slot.permit_ = co_await origin->permits.acquire();
  slot.pool_ = self;
  slot.origin_ = origin;
  while (!origin->idle.empty()) {
    // With a new one there must be no more of them than allowed.
    std::unique_ptr<ClientConnection> connection = std::move(origin->idle.back().connection);
    origin->idle.pop_back();
    --idle_;
    if (is_new) continue;
    // Something to read on it is its end, or what nobody has asked for.
    auto [readable, turned] = co_await select(connection->stream().wait_readable(), yield());
    if (readable) continue;
    slot.connection = std::move(connection);
    slot.is_reused = true;
    break;
  }
  co_return slot;
}

void Pool::Slot::keep() noexcept {
  if (connection != nullptr) pool_->keep(*origin_, std::move(connection));
  close();
}

void Pool::Slot::close() noexcept {
  connection.reset();
  permit_.release();
  if (pool_ == nullptr) return;
  const std::shared_ptr<Pool> pool = std::move(pool_);
  const std::shared_ptr<Origin> origin = std::move(origin_);
  if (origin->idle.empty() && origin.use_count() == 2) pool->origins_.erase(origin->key);
}

void Pool::keep(Origin& origin, std::unique_ptr<ClientConnection> connection) noexcept {
  if (is_closed_ || limits_.idle_max == 0 || limits_.idle_time_max <= Duration::zero()) return;
  if (idle_ >= limits_.idle_max) close_oldest();
  ieum::detail::Loop* loop = ieum::detail::Loop::current();
  if (loop == nullptr) return;  // a reply is destroyed outside of the runtime
  origin.idle.push_back({std::move(connection), loop->now()});
  ++idle_;
  if (loop_ == nullptr) {
    loop_ = loop;
    loop_->tell_of_end(*this);
  }
  if (!armed()) loop_->arm_in(*this, limits_.idle_time_max);
}

/// Closes what has been idle for too long, and comes again for the rest.
void Pool::fire() noexcept {
  close_until(loop_->now() - limits_.idle_time_max);
  if (idle_ == 0) return forget_unused();
  TimePoint oldest = TimePoint::max();
  for (const auto& [key, origin] : origins_) {
    if (!origin->idle.empty()) oldest = std::min(oldest, origin->idle.front().since);
  }
  loop_->arm_in(*this, std::max(oldest + limits_.idle_time_max - loop_->now(), Duration(1)));
}

void Pool::close_until(TimePoint latest) noexcept {
  for (const auto& [key, origin] : origins_) {
    idle_ -=
        std::erase_if(origin->idle, [latest](const Idle& idle) { return idle.since <= latest; });
  }
}

void Pool::close_oldest() noexcept {
  Origin* oldest = nullptr;
  for (const auto& [key, origin] : origins_) {
    if (origin->idle.empty()) continue;
    if (oldest == nullptr || origin->idle.front().since < oldest->idle.front().since) {
      oldest = origin.get();
    }
  }
  if (oldest == nullptr) return;
  oldest->idle.erase(oldest->idle.begin());
  --idle_;
}

/// Origins that have neither connections nor anybody who waits for one.
void Pool::forget_unused() noexcept {
  std::erase_if(origins_, [](const auto& entry) {
    return entry.second->idle.empty() && entry.second.use_count() == 1;
  });
}

void Pool::close_all() noexcept {
  for (const auto& [key, origin] : origins_) origin->idle.clear();
  idle_ = 0;
  if (armed()) loop_->disarm(*this);
  forget_unused();
}

void Pool::close() noexcept {
  is_closed_ = true;
  close_all();
}

/// The client outlives its runtime, and may be used on another.
void Pool::on_loop_end() noexcept {
  close_all();
  loop_ = nullptr;
}

}  // namespace ieum::http::detail
