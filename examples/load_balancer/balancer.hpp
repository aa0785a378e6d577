// Balancer: upstreams, whether they are well, and who gets the next client.
#pragma once

#include <vector>

#include <ieum/ieum.hpp>

namespace load_balancer {

struct Options {
  ieum::AnyDuration check_interval = std::chrono::seconds(1);
  ieum::AnyDuration connect_max = std::chrono::seconds(2);
  int rise = 2;  ///< connects in a row that must succeed until an upstream counts as up again
  int fall = 3;  ///< that must fail until it counts as down
};

class Balancer {
 public:
  explicit Balancer(const Options& options = {}) : options_(options) {}
  /// Before the rest.
  void add(const ieum::Address& upstream) { upstreams_.push_back({.address = upstream}); }

  /// Connects to each upstream now and then, as long as it is let.
  ieum::Task<> check_health();
  /// Relays `client` to the upstream with the fewest clients; to another if it cannot be reached.
  ieum::Task<> session(ieum::StreamSocket client);

  struct Upstream {
    ieum::Address address;
    bool is_up = true;
    int against = 0;  // connects in a row that said otherwise
    std::size_t clients = 0;
    std::size_t served = 0;
    ieum::StreamSocket spare{};  // what the last check has left open, for the next client
  };
  [[nodiscard]] const std::vector<Upstream>& upstreams() const { return upstreams_; }

 private:
  ieum::Task<> check(Upstream& upstream);
  ieum::Task<ieum::StreamSocket> connect(Upstream& upstream);
  void note(Upstream& upstream, bool reached) const;
  std::vector<Upstream*> by_preference();

  std::vector<Upstream> upstreams_;
  Options options_;
};

}  // namespace load_balancer
