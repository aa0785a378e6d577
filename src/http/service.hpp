// Service: what the connections of a server have in common.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>

#include <ieum/event.hpp>
#include <ieum/http/server.hpp>
#include <ieum/timeout.hpp>

#include "http/exchange.hpp"
#include "http/route_table.hpp"

namespace ieum::http::detail {

class Service {
 public:
  Service(const RouteTable& routes, const ServerOptions& limits) noexcept
      : table(routes), options(limits) {}
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Of now, as a field has it.
  [[nodiscard]] std::string_view date();
  /// From now on connections end as soon as they can; those that are idle end now.
  void drain() noexcept;

  const RouteTable& table;
  const ServerOptions options;
  ieum::detail::ListLink idle;  // of IdleLinks
  Event draining;
  std::size_t busy = 0;  // handlers that run
  const char* scheme = "http";

 private:
  std::string date_;
  std::chrono::sys_seconds date_of_{};
};

/// In a service's list of idle connections.
struct IdleLink : ieum::detail::ListLink {
  ieum::detail::TimedWaiter* waiter = nullptr;
};

/// Waits for `inner` while a connection is idle, at most `limit`; a drain ends it at once. However
/// it fails, it gives nothing, so that no error takes room in the frame of an idle connection.
template <ieum::detail::Awaitable A>
class WhileIdle {
 public:
  using value_type = typename A::value_type;
  static constexpr bool consumes = ieum::detail::Consuming<A>;
  WhileIdle(Service& service, Duration limit, A&& inner) noexcept
      : service_(service), limit_(limit), inner_(std::move(inner)) {}

  class State final : public ieum::detail::TimedWaiter {
   public:
    explicit State(WhileIdle&& of) noexcept : service_(of.service_), inner_(std::move(of.inner_)) {
      limit_ = of.limit_;
      link_.waiter = this;
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    ieum::detail::Start start(ieum::detail::Waiter& waiter, ieum::detail::Scope& scope) noexcept {
      outer_ = &waiter;
      scope_.open(scope);
      ieum::detail::Start start = inner_.start(*this, scope_);
      if (start.kind == ieum::detail::Start::Kind::failed) {
        has_failed_ = true;
        start.kind = ieum::detail::Start::Kind::done;
      }
      if (start.kind != ieum::detail::Start::Kind::pending) return start;
      scope.add(scope_);
      if (scope.stopped()) scope_.stop();
      scope.loop().arm_in(*this, limit_);
      link_.link_before(service_.idle);
      return start;
    }
    value_type take() { return has_failed_ ? value_type() : inner_.take(); }
    [[noreturn]] Error take_error() noexcept { std::abort(); }

    ieum::detail::Frame* failed(Error& /*error*/) noexcept override {
      close();
      has_failed_ = true;
      if (ieum::detail::Frame* next = outer_->ended(nullptr)) scope_.loop().enqueue_resume(*next);
      return nullptr;
    }

   private:
    Service& service_;
    bool has_failed_ = false;
    IdleLink link_;
    typename A::State inner_;
  };

 private:
  Service& service_;
  Duration limit_;
  A inner_;
};

}  // namespace ieum::http::detail
