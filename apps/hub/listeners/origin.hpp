// Where a client comes from, as others see it, and whether it may send passwords.
#pragma once

#include <ieum/address.hpp>

#include "config/config.hpp"
#include "session/session.hpp"

namespace ieum::hub {

[[nodiscard]] Origin origin_of(const Address& peer, bool secure, const Config& config);

}  // namespace ieum::hub
