// The hosts file: read anew each time, so that a change counts at once.
#include "net/names/hosts_file.hpp"

#include <strings.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include <ieum/result.hpp>

namespace ieum::detail {

namespace {

using File = std::unique_ptr<FILE, int (*)(FILE*)>;

/// Takes the first word off `line`; empty at its end.
std::string_view take_word(std::string_view& line) {
  constexpr std::string_view space = " \t\r\n";
  const std::size_t begin = std::min(line.find_first_not_of(space), line.size());
  const std::size_t end = std::min(line.find_first_of(space, begin), line.size());
  const std::string_view word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return word;
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

std::vector<Address> addresses_in_hosts_file(std::string_view name, std::uint16_t port,
                                             std::size_t addresses_max) {
  std::vector<Address> addresses;
  const File file(std::fopen("/etc/hosts", "re"), &std::fclose);
  if (!file) return addresses;
  char* buffer = nullptr;
  std::size_t room = 0;
  while (addresses.size() < addresses_max) {
    const ssize_t length = ::getline(&buffer, &room, file.get());
    if (length < 0) break;
    std::string_view line(buffer, static_cast<std::size_t>(length));
    line = line.substr(0, line.find('#'));
    const std::string ip(take_word(line));
    std::string_view word = take_word(line);
    while (!word.empty() && !same_name(word, name)) word = take_word(line);
    if (word.empty()) continue;
    const bool ipv6 = ip.find(':') != std::string::npos;
    Result<Address> address = Address::parse((ipv6 ? "[" + ip + "]" : ip) + ":0");
    if (!address || !address->is_ip()) continue;
    address->set_port(port);
    addresses.push_back(*address);
  }
  std::free(buffer);
  return addresses;
}

}  // namespace ieum::detail
