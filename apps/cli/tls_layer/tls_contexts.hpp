// What TLS's sessions of a command have in common, made of its options.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include <ieum/stream_socket.hpp>
#include <ieum/tls_peer.hpp>

#include "report/failure.hpp"
#include "tls_layer/tls_options.hpp"

namespace ieum {
class TlsClientContext;
class TlsServerContext;
}  // namespace ieum

namespace ieum::cli {

/// The library has TLS.
[[nodiscard]] bool has_tls() noexcept;

[[nodiscard]] std::expected<std::shared_ptr<const TlsClientContext>, Failure> make_client_context(
    const TlsSettings& settings);
/// `name` is that of a self-signed certificate.
[[nodiscard]] std::expected<std::shared_ptr<const TlsServerContext>, Failure> make_server_context(
    const TlsSettings& settings, const std::string& name);
/// Of its first certificate.
[[nodiscard]] std::string pin_of(const TlsServerContext& context);

/// Whom a self-signed certificate is for: of an address to listen at, "*:4433", "localhost:4433".
[[nodiscard]] std::string name_to_serve(const std::string& target);

/// Does a server's handshake over a socket, and gives the stream over it.
[[nodiscard]] Task<std::unique_ptr<Stream>> put_tls_over(
    StreamSocket socket, std::shared_ptr<const TlsServerContext> context);
/// Does a client's handshake with the server `name` over a stream, and gives the stream over it.
/// `peer` is what is known of the server, also if it fails; it must live until then.
[[nodiscard]] Task<std::unique_ptr<Stream>> put_client_tls_over(
    std::unique_ptr<Stream> beneath, std::shared_ptr<const TlsClientContext> context,
    std::string name, TlsPeer& peer);

}  // namespace ieum::cli
