// Why a handshake failed, as the sentence that ends a command.
#pragma once

#include <cstdint>

#include <ieum/error.hpp>
#include <ieum/tls_peer.hpp>

#include "report/failure.hpp"

namespace ieum::cli {

/// Whose failure it is, for the advice: they have other options.
enum class TlsUser : std::uint8_t { connect, listen, get };

/// `peer` is what is known of the other end.
[[nodiscard]] Failure explain_tls_failure(const Error& error, const TlsPeer& peer, TlsUser user);

}  // namespace ieum::cli
