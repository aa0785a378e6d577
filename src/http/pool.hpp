// Pool: the connections of a client, in use or kept for the next request.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ieum/detail/loop.hpp>
#include <ieum/semaphore.hpp>
#include <ieum/time.hpp>

#include "http/client_connection.hpp"

namespace ieum::http::detail {

class Pool final : public std::enable_shared_from_this<Pool>,
                   private ieum::detail::Timer,
                   private ieum::detail::LoopEndNode {
  struct Origin;

 public:
  struct Limits {
    std::size_t per_origin_max;
    std::size_t idle_max;
    Duration idle_time_max;
  };

  /// The right to one connection to an origin, and the connection once there is one. Destroyed, it
  /// closes the connection.
  class Slot {
   public:
    Slot() noexcept = default;
    Slot(Slot&&) noexcept = default;
    Slot& operator=(Slot&& other) noexcept {
      if (this != &other) {
        close();
        pool_ = std::move(other.pool_);
        origin_ = std::move(other.origin_);
        permit_ = std::move(other.permit_);
        connection = std::move(other.connection);
        is_reused = other.is_reused;
      }
      return *this;
    }
    ~Slot() { close(); }

    [[nodiscard]] bool is_held() const noexcept { return static_cast<bool>(permit_); }
    /// The connection may be used for another request: nothing of this one is left on it.
    void keep() noexcept;
    void close() noexcept;

    std::unique_ptr<ClientConnection> connection;
    bool is_reused = false;

   private:
    friend class Pool;
    std::shared_ptr<Pool> pool_;
    std::shared_ptr<Origin> origin_;
    Semaphore::Permit permit_;
  };

  explicit Pool(const Limits& limits) noexcept : limits_(limits) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  /// Waits until a connection of `key` may be used, and gives a kept one if there is one that its
  /// server has neither closed nor sent something on. `is_new`: gives none of those.
  [[nodiscard]] Task<Slot> acquire(std::string key, bool is_new);
  [[nodiscard]] std::size_t idle() const noexcept { return idle_; }
  /// Its client has gone: keeps nothing any more.
  void close() noexcept;

 private:
  struct Idle {
    std::unique_ptr<ClientConnection> connection;
    TimePoint since;
  };
  struct Origin {
    Origin(std::string of, std::size_t connections_max)
        : key(std::move(of)), permits(connections_max) {}
    std::string key;
    Semaphore permits;
    std::vector<Idle> idle;  // the one that was used last stands last
  };

  void fire() noexcept override;
  void on_loop_end() noexcept override;
  void keep(Origin& origin, std::unique_ptr<ClientConnection> connection) noexcept;
  void close_oldest() noexcept;
  void close_until(TimePoint latest) noexcept;
  void close_all() noexcept;
  void forget_unused() noexcept;

  Limits limits_;
  // In the order of the keys, so that a simulated run is the same each time.
  std::map<std::string, std::shared_ptr<Origin>> origins_;
  std::size_t idle_ = 0;
  bool is_closed_ = false;
  ieum::detail::Loop* loop_ = nullptr;  // whose connections are kept
};

}  // namespace ieum::http::detail
