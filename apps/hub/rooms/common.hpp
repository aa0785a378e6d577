// Common: what the cores of a hub share beside its storage. Any thread may use it.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ieum/time.hpp>

#include "config/config.hpp"
#include "rooms/allowance.hpp"
#include "rooms/counts.hpp"

namespace ieum::hub {

/// How many connections there are, in all and from each address.
class Admission {
 public:
  /// A connection's place, given back with the object.
  class Place {
   public:
    Place() noexcept = default;
    Place(Place&& other) noexcept
        : from_(std::exchange(other.from_, nullptr)), host_(std::move(other.host_)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (from_ != nullptr) from_->leave(host_);
    }
    explicit operator bool() const noexcept { return from_ != nullptr; }

   private:
    friend class Admission;
    Place(Admission& from, std::string host) noexcept : from_(&from), host_(std::move(host)) {}
    Admission* from_ = nullptr;
    std::string host_;
  };

  /// None if there are as many as may be.
  [[nodiscard]] Place enter(const std::string& host, const Config& config);
  [[nodiscard]] std::size_t connections() const;

 private:
  void leave(const std::string& host) noexcept;

  mutable std::mutex mutex_;
  std::size_t all_ = 0;
  std::map<std::string, std::size_t, std::less<>> by_host_;
};

/// Passwords and secrets that were wrong, by the address that they came from.
class Failures {
 public:
  /// False: there were too many, for now.
  [[nodiscard]] bool may_try(std::string_view host) const;
  void count(std::string_view host, TimePoint now);
  void forget(TimePoint now);

 private:
  struct Counted {
    std::size_t count = 0;
    TimePoint until{};
  };
  mutable std::mutex mutex_;
  std::map<std::string, Counted, std::less<>> by_host_;
};

class Common {
 public:
  explicit Common(SharedConfig config, std::size_t cores = 1)
      : cores_(cores), config_(std::move(config)), counts_(cores) {}

  [[nodiscard]] std::size_t cores() const noexcept { return cores_; }
  [[nodiscard]] SharedConfig config() const {
    const std::lock_guard lock(mutex_);
    return config_;
  }
  void set_config(SharedConfig config) {
    const std::lock_guard lock(mutex_);
    config_ = std::move(config);
  }

  /// Of a core, which alone counts in it.
  [[nodiscard]] Counts& counts(std::size_t core) noexcept { return counts_[core]; }
  [[nodiscard]] const Counts& counts(std::size_t core) const noexcept { return counts_[core]; }

  Admission admission;
  Failures failures;
  Allowances allowances;  // of the API's users

 private:
  const std::size_t cores_;
  mutable std::mutex mutex_;
  SharedConfig config_;
  std::vector<Counts> counts_;
};

}  // namespace ieum::hub
