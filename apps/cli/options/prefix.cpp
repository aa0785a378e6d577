#include "options/prefix.hpp"

#include <charconv>
#include <string_view>

#include <ieum/result.hpp>

namespace ieum::cli {

std::optional<Address> bare_address(const std::string& text) {
  const bool is_ipv6 = text.find(':') != std::string::npos;
  const Result<Address> address = Address::parse(is_ipv6 ? "[" + text + "]:0" : text + ":0");
  if (!address || !address->is_ip() || address->is_any_family()) return std::nullopt;
  return *address;
}

std::optional<Prefix> Prefix::parse(const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::optional<Address> network = bare_address(text.substr(0, slash));
  if (!network) return std::nullopt;
  if (slash == std::string::npos) return Prefix::of(*network);
  unsigned bits = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + slash + 1, end, bits);
  if (error != std::errc{} || rest != end || bits > bits_max(*network)) return std::nullopt;
  return Prefix{*network, bits};
}

bool Prefix::contains(const Address& address) const noexcept {
  if (address.family() != network.family()) return false;
  const std::string_view ours = network.bytes();
  const std::string_view theirs = address.bytes();
  const std::size_t whole = bits / 8;
  if (ours.substr(0, whole) != theirs.substr(0, whole)) return false;
  const unsigned rest = bits % 8;
  if (rest == 0) return true;
  const unsigned differ =
      static_cast<unsigned char>(ours[whole]) ^ static_cast<unsigned char>(theirs[whole]);
  return differ >> (8 - rest) == 0;
}

}  // namespace ieum::cli
