// Admission: how many connections there are, in all and from each address.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <ieum/address.hpp>

#include "config/config.hpp"
#include "session/session.hpp"

namespace ieum::hub {

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

 private:
  void leave(const std::string& host) noexcept;

  std::size_t all_ = 0;
  std::map<std::string, std::size_t, std::less<>> by_host_;
};

/// What others see of where a client comes from, and whether it may send passwords.
[[nodiscard]] Origin origin_of(const Address& peer, bool secure, const Config& config);

}  // namespace ieum::hub
