// Who can reach a server, and by which URLs.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/address.hpp>

namespace ieum::cli {

struct Reach {
  std::string who;                ///< a clause: "only programs of this machine can reach it"
  std::vector<std::string> urls;  ///< the first is for this machine
};

/// `hosts` are the names that alone are answered to, besides those of the loopback where only that
/// can come; none: to all.
[[nodiscard]] Reach who_can_reach(const Address& local, std::string_view scheme,
                                  std::span<const std::string> hosts);

[[nodiscard]] bool is_loopback(const Address& address) noexcept;
/// As a URL has it, without a port: an IPv6 address within brackets.
[[nodiscard]] std::string host_of(const Address& address);

}  // namespace ieum::cli
