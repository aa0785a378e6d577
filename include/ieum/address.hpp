// Address: where a socket is, or is to be. A plain value that every layer can name; no system
// header.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)
namespace ieum {

class Error;
template <class T = void>
using Result = std::expected<T, Error>;

/// The address families that ieum speaks.
enum class Family : std::uint8_t { none, ipv4, ipv6, unix_path, unix_abstract };

/// An endpoint's address: IPv4 or IPv6 with a port, or the name of a Unix socket (unix(7)).
///
/// Trivially copyable and about 116 bytes; pass it by reference where that matters. Text and back:
///
///     127.0.0.1:80   [::1]:80   [fe80::1%eth0]:80   *:80   unix:/run/app.sock   unix:@abstract
///
/// `*:80` is every address of this machine, `any_family(80)`. In Unix names a space, `%`, `?` and
/// what is not printable are written as `%XX`. `parse(to_string())` gives the same address back.
/// Any number of threads may read one address at the same time.
class Address {
 public:
  static constexpr std::size_t unix_name_bytes_max = 107;

  /// No address: `family()` is `Family::none`, the text is empty.
  constexpr Address() noexcept = default;

  static constexpr Address ipv4(std::array<std::uint8_t, 4> ip, std::uint16_t port) noexcept {
    Address address;
    address.family_ = Family::ipv4;
    address.port_ = port;
    for (std::size_t i = 0; i < ip.size(); ++i) address.bytes_[i] = ip[i];
    return address;
  }

  /// `scope` is the interface's index (if_nametoindex(3)), for link-local addresses.
  static constexpr Address ipv6(const std::array<std::uint8_t, 16>& ip, std::uint16_t port,
                                std::uint32_t scope = 0) noexcept {
    Address address;
    address.family_ = Family::ipv6;
    address.port_ = port;
    address.scope_ = scope;
    for (std::size_t i = 0; i < ip.size(); ++i) address.bytes_[i] = ip[i];
    return address;
  }

  /// Every address of this machine, to listen at: `[::]`, which takes IPv4 as well; where the
  /// system has no IPv6, binding to it binds to 0.0.0.0. Equal to the address `[::]` with this
  /// port.
  static constexpr Address any_family(std::uint16_t port) noexcept {
    Address address = ipv6({}, port);
    address.any_family_ = true;
    return address;
  }

  static constexpr Address ipv4_loopback(std::uint16_t port) noexcept {
    return ipv4({127, 0, 0, 1}, port);
  }
  static constexpr Address ipv6_loopback(std::uint16_t port) noexcept {
    return ipv6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, port);
  }

  /// A Unix socket with a path, or one in Linux's abstract namespace (unix(7)).
  /// Errors: `invalid_argument` (empty, or a zero byte in a path), `filename_too_long`. The kernel
  /// would take an empty abstract name; it is a forgotten one.
  [[nodiscard]] static Result<Address> unix_path(std::string_view path);
  [[nodiscard]] static Result<Address> unix_abstract(std::string_view name);

  /// Reads the forms above. No name is looked up. Error: `invalid_argument`, whose text says what
  /// is wrong with which input.
  [[nodiscard]] static Result<Address> parse(std::string_view text);

  [[nodiscard]] std::string to_string() const;

  [[nodiscard]] constexpr Family family() const noexcept { return family_; }
  [[nodiscard]] constexpr bool is_ip() const noexcept {
    return family_ == Family::ipv4 || family_ == Family::ipv6;
  }
  [[nodiscard]] constexpr bool is_unix() const noexcept {
    return family_ == Family::unix_path || family_ == Family::unix_abstract;
  }
  /// True for 0.0.0.0 and [::].
  [[nodiscard]] bool is_wildcard() const noexcept;

  /// True for what `any_family` gives.
  [[nodiscard]] constexpr bool is_any_family() const noexcept { return any_family_; }

  /// The port in host byte order; 0 for Unix sockets.
  [[nodiscard]] constexpr std::uint16_t port() const noexcept { return port_; }
  constexpr void set_port(std::uint16_t port) noexcept { port_ = port; }
  /// IPv6: the interface's index, or 0.
  [[nodiscard]] constexpr std::uint32_t scope() const noexcept { return scope_; }
  /// The address's bytes in network order: 4, 16, or those of the Unix name (without `@`).
  [[nodiscard]] std::string_view bytes() const noexcept;

  [[nodiscard]] bool operator==(const Address& other) const noexcept;

 private:
  Family family_ = Family::none;
  std::uint8_t name_bytes_ = 0;
  std::uint16_t port_ = 0;
  std::uint32_t scope_ = 0;
  std::array<std::uint8_t, unix_name_bytes_max> bytes_{};
  bool any_family_ = false;
};

}  // namespace ieum
#pragma GCC visibility pop
