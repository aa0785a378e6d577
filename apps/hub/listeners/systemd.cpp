// What systemd asks of a service.
#include "listeners/systemd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include <ieum/datagram_socket.hpp>

#include "irc/text.hpp"

namespace ieum::hub {

namespace {

int duplicate(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 0); }

Result<DetachedListener> take_listener(int fd) {
  Result<Listener> listener = Listener::adopt(Descriptor(fd));
  if (!listener) return ieum::fail(listener.error());
  return listener->detach();
}

}  // namespace

Result<std::vector<Port>> passed_ports(std::size_t cores) {
  std::vector<Port> ports;
  const char* pid = std::getenv("LISTEN_PID");
  const char* count = std::getenv("LISTEN_FDS");
  if (pid == nullptr || count == nullptr) return ports;
  if (number_of(pid, 0) != static_cast<std::size_t>(getpid())) return ports;
  constexpr std::size_t passed_max = 64;
  constexpr int first = 3;
  std::vector<std::string_view> names;
  if (const char* list = std::getenv("LISTEN_FDNAMES")) names = split(list, ':');
  const std::size_t number = std::min(number_of(count, 0), passed_max);
  for (std::size_t i = 0; i < number; ++i) {
    Port port;
    const std::string_view name = i < names.size() ? names[i] : std::string_view();
    port.tls = name.contains("tls") || name == "ircs" || name == "https";
    port.http = name.contains("http");
    port.metrics = name.contains("metrics");
    for (std::size_t core = 0; core < (port.metrics ? 1 : cores); ++core) {
      const int fd = first + static_cast<int>(i);
      Result<DetachedListener> listener = take_listener(core == 0 ? fd : duplicate(fd));
      if (!listener) return ieum::fail(listener.error());
      port.listeners.push_back(*std::move(listener));
    }
    ports.push_back(std::move(port));
  }
  return ports;
}

Task<> notify_systemd(std::string state) {
  const char* where = std::getenv("NOTIFY_SOCKET");
  if (where == nullptr || *where == '\0') co_return;
  const std::string path(where);
  Result<Address> address =
      path.starts_with('@') ? Address::unix_abstract(path.substr(1)) : Address::unix_path(path);
  if (!address) co_return;
  Result<DatagramSocket> socket = DatagramSocket::connect(*address);
  if (!socket) co_return;
  co_await attempt(socket->send(state));
}

}  // namespace ieum::hub
