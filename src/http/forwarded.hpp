// Who a request comes from, when proxies stand between: `Forwarded`, `X-Forwarded-For`, and the
// PROXY protocol. Pure functions; whose word is taken is the caller's decision.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <ieum/http/fields.hpp>

namespace ieum::http::detail {

/// Addresses that begin alike.
struct Network {
  Address address;  // none: every Unix socket
  unsigned bits = 0;

  /// `10.0.0.0/8`, `::1`, `unix`.
  [[nodiscard]] static Result<Network> parse(std::string_view text);
  [[nodiscard]] bool has(const Address& address) const noexcept;
};

[[nodiscard]] bool is_in(const Address& address, std::span<const Network> networks) noexcept;

/// An IP address, perhaps with a port, within brackets or quotation marks, as those fields have it;
/// the port is left off. None of anything else.
[[nodiscard]] std::optional<Address> parse_node(std::string_view text);

/// What the proxies say.
struct Forwarded {
  Address client;
  std::string_view scheme;  // `http` or `https`; empty if they do not say
};
/// The last address that no trusted proxy has (each adds whom it has seen), beginning from `peer`,
/// which is trusted.
[[nodiscard]] Forwarded read_forwarded(const Fields& fields, const Address& peer,
                                       std::span<const Network> trusted);

/// A header of the PROXY protocol, version 1 or 2.
struct ProxyHeader {
  enum class State : std::uint8_t { needs_more, complete, fault };
  static constexpr std::size_t bytes_max = 4096;
  State state = State::needs_more;
  std::size_t size = 0;
  std::optional<Address> client;  // none: the proxy speaks for itself
};
[[nodiscard]] ProxyHeader read_proxy_header(std::string_view text);

}  // namespace ieum::http::detail
