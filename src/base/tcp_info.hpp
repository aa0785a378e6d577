// What Linux tells of a TCP socket, made a SocketInfo: `struct tcp_info`, as getsockopt(2) and
// sock_diag(7) give it.
#pragma once

#include <cstddef>
#include <span>

#include <ieum/socket_info.hpp>

namespace ieum::detail {

/// Of the kernel's number for it.
SocketState tcp_state(unsigned kernel_state) noexcept;

/// Reads `kernel_answer`, a tcp_info of any length. Fills in the state, of a listener the kind and
/// the backlog, else `unsent_bytes` and `tcp` without `no_delay`, `cork` and `congestion_control`.
/// `info.send_queue_bytes` is filled in already.
void fill_tcp_info(std::span<const std::byte> kernel_answer, SocketInfo& info) noexcept;

}  // namespace ieum::detail
