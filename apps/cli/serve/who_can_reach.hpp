// Who can reach a server, and by which URLs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <ieum/address.hpp>

namespace ieum::cli {

struct Reach {
  std::string who;                ///< a clause: "only programs of this machine can reach it"
  std::vector<std::string> urls;  ///< the first is for this machine
};

[[nodiscard]] Reach who_can_reach(const Address& local, std::string_view scheme);

[[nodiscard]] bool is_loopback(const Address& address) noexcept;

}  // namespace ieum::cli
