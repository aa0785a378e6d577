#include "options/service_name.hpp"

#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <string>

namespace ieum::cli {

namespace {

struct Service {
  std::string_view name;
  std::uint16_t port;
};

// As IANA has them.
constexpr std::array services{
    Service{"echo", 7},     Service{"discard", 9},     Service{"daytime", 13},
    Service{"ftp", 21},     Service{"ssh", 22},        Service{"telnet", 23},
    Service{"smtp", 25},    Service{"domain", 53},     Service{"http", 80},
    Service{"pop3", 110},   Service{"ntp", 123},       Service{"imap", 143},
    Service{"ldap", 389},   Service{"https", 443},     Service{"submission", 587},
    Service{"ldaps", 636},  Service{"imaps", 993},     Service{"pop3s", 995},
    Service{"socks", 1080}, Service{"mysql", 3306},    Service{"postgresql", 5432},
    Service{"ircd", 6667},  Service{"http-alt", 8080},
};

}  // namespace

std::optional<std::uint16_t> port_of_service(std::string_view name, bool udp) {
  const auto known = std::ranges::find(services, name, &Service::name);
  if (known != services.end()) return known->port;
  constexpr std::size_t name_bytes_max = 64;
  if (name.size() > name_bytes_max) return {};
  servent entry{};
  servent* found = nullptr;
  std::array<char, 1024> buffer{};
  const std::string text(name);
  if (::getservbyname_r(text.c_str(), udp ? "udp" : "tcp", &entry, buffer.data(), buffer.size(),
                        &found) != 0 ||
      found == nullptr) {
    return {};
  }
  return ntohs(static_cast<std::uint16_t>(found->s_port));
}

bool is_service_name(std::string_view text) noexcept {
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
             std::string_view::npos &&
         !text.empty() && text.front() >= 'a';
}

}  // namespace ieum::cli
