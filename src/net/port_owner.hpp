// Who holds an address: the words for an error, from /proc.
#pragma once

#include <string>

#include <ieum/address.hpp>

namespace ieum::detail {

/// "held by nginx (pid 812)" for the process that listens there, as far as /proc (proc(5)) shows it
/// to us; for a Unix path with no listener, what to do about what is there; else empty.
std::string who_holds(const Address& address);
/// The same for datagram sockets.
std::string who_holds_datagrams(const Address& address);
/// The same of a simulated address: whoever holds it, it is this process.
std::string held_by_this_process();

/// Whether a Unix stream socket has this path which is not connected: it listens, or is about to.
bool is_bound(const Address& path);

}  // namespace ieum::detail
