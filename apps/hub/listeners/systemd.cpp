// What systemd asks of a service.
#include "listeners/systemd.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include <ieum/datagram_socket.hpp>

#include "irc/text.hpp"

namespace ieum::hub {

Result<std::vector<PassedListener>> passed_listeners() {
  std::vector<PassedListener> passed;
  const char* pid = std::getenv("LISTEN_PID");
  const char* count = std::getenv("LISTEN_FDS");
  if (pid == nullptr || count == nullptr) return passed;
  if (number_of(pid, 0) != static_cast<std::size_t>(getpid())) return passed;
  constexpr std::size_t passed_max = 64;
  constexpr int first = 3;
  std::vector<std::string_view> names;
  if (const char* list = std::getenv("LISTEN_FDNAMES")) names = split(list, ':');
  const std::size_t number = std::min(number_of(count, 0), passed_max);
  for (std::size_t i = 0; i < number; ++i) {
    Result<Listener> listener = Listener::adopt(Descriptor(first + static_cast<int>(i)));
    if (!listener) return ieum::fail(listener.error());
    const bool tls = i < names.size() && (names[i].contains("tls") || names[i] == "ircs");
    passed.push_back({*std::move(listener), tls});
  }
  return passed;
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
