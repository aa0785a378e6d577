// Why a handshake failed, as the sentence that ends a command.
#pragma once

#include <ieum/error.hpp>
#include <ieum/tls_peer.hpp>

#include "report/failure.hpp"

namespace ieum::cli {

/// `peer` is what is known of the other end; `serves` whether that is a client.
[[nodiscard]] Failure explain_tls_failure(const Error& error, const TlsPeer& peer, bool serves);

}  // namespace ieum::cli
