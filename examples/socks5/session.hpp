// A SOCKS5 client's session: what it asks for, and then both ways until both have finished.
#pragma once

#include <ieum/ieum.hpp>

namespace socks5 {

/// RFC 1928: CONNECT, to IPv4 and IPv6 addresses and to names; nobody has to say who they are.
ieum::Task<> session(ieum::StreamSocket client);

}  // namespace socks5
