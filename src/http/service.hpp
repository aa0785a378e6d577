// Service: what the connections of a server have in common.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include <ieum/event.hpp>
#include <ieum/http/server.hpp>
#include <ieum/timeout.hpp>

#include "http/exchange.hpp"
#include "http/route_table.hpp"

namespace ieum::http::detail {

/// Whoever waits for an idle connection: it is told nothing of errors, so that none takes room in
/// the connection's frame.
class IdleWaiter : public ieum::detail::Waiter, public ieum::detail::ListLink {
 public:
  ieum::detail::Frame* ended(ieum::detail::Frame* child) noexcept override {
    close();
    return outer_->ended(child);
  }
  ieum::detail::Frame* failed(Error& /*error*/) noexcept override {
    close();
    has_failed_ = true;
    if (ieum::detail::Frame* frame = outer_->ended(nullptr)) scope_.loop().enqueue_resume(*frame);
    return nullptr;
  }
  [[nodiscard]] const ieum::detail::Frame* awaiting_frame() const noexcept override {
    return outer_->awaiting_frame();
  }
  /// What it waits for is asked to stop.
  void give_up() noexcept { scope_.stop(); }

  TimePoint until;

 protected:
  ~IdleWaiter() { close(); }
  void close() noexcept {
    unlink();
    scope_.unlink();
  }

  [[no_unique_address]] ieum::detail::Scope scope_;
  bool has_failed_ = false;  // within the scope's padding
  ieum::detail::Waiter* outer_ = nullptr;
};

/// Connections that wait, each for the same time: so they are in the order of their deadlines, and
/// one timer does for all.
class IdleList final : private ieum::detail::Timer {
 public:
  explicit IdleList(Duration limit) noexcept : limit_(limit) {}
  IdleList(const IdleList&) = delete;
  IdleList& operator=(const IdleList&) = delete;
  ~IdleList() {
    if (armed()) loop_->disarm(*this);
  }

  void add(IdleWaiter& waiter, ieum::detail::Loop& loop) noexcept;
  /// As if the time of all had passed.
  void end_all() noexcept;

 private:
  void fire() noexcept override;

  Duration limit_;
  ieum::detail::Loop* loop_ = nullptr;
  ieum::detail::ListLink waiting_;  // IdleWaiters
};

class Service {
 public:
  Service(const RouteTable& routes, const ServerOptions& limits) noexcept
      : table(routes), options(limits), silent(limits.head_timeout), idle(limits.idle_timeout) {}
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// The field of now, with its line's end.
  [[nodiscard]] std::string_view date();
  /// From now on connections end as soon as they can; those that are idle end now.
  void drain() noexcept;

  const RouteTable& table;
  const ServerOptions options;
  IdleList silent;  // connections of which nothing has come yet
  IdleList idle;    // those between two requests
  Event draining;
  std::size_t busy = 0;  // handlers that run
  const char* scheme = "http";
  Task<> next;  // what a stream without a server goes on as

 private:
  std::string date_;
  std::chrono::sys_seconds date_of_{};
};

}  // namespace ieum::http::detail
