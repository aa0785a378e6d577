// Unix sockets: paths of every length, abstract names, stale files, pairs, who is at the other end.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <barrier>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <thread>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

Address path_address(const std::string& path) { return Address::unix_path(path).value(); }

// A stack full of rubbish, so that what is not initialised shows.
[[gnu::noinline]] void dirty_the_stack() {
  volatile char rubbish[4096];
  for (volatile char& byte : rubbish) byte = 'r';
}

CO_TEST(UnixSocket, with_a_path_of_every_length) {
  const TemporaryDirectory directory;
  const std::string stem = directory.path("");
  for (std::size_t length = stem.size() + 1; length <= Address::unix_name_bytes_max; ++length) {
    const std::string path = stem + std::string(length - stem.size(), 'p');
    dirty_the_stack();
    Listener listener = co_await Listener::bind(path_address(path));
    EXPECT_TRUE(std::filesystem::is_socket(path)) << path;
    EXPECT_EQ(listener.address(), path_address(path));
    dirty_the_stack();
    StreamSocket client = co_await StreamSocket::connect(path_address(path));
    StreamSocket server = co_await listener.accept();
    co_await client.write_all("hello");
    const std::string text = co_await read_text(server, 5);
    EXPECT_EQ(text, "hello");
  }
}

CO_TEST(UnixSocket, with_an_abstract_name_of_every_length) {
  const std::string stem = "ieum-test-" + std::to_string(getpid()) + "-";
  for (std::size_t length = stem.size(); length <= Address::unix_name_bytes_max; ++length) {
    const std::string name = stem + std::string(length - stem.size(), 'a');
    const Address address = co_await Address::unix_abstract(name);
    dirty_the_stack();
    Listener listener = co_await Listener::bind(address);
    EXPECT_EQ(listener.address(), address);
    dirty_the_stack();
    StreamSocket client = co_await StreamSocket::connect(address);
    EXPECT_EQ(client.peer_address(), address);
  }
}

CO_TEST(UnixSocket, with_an_abstract_name_of_any_bytes) {
  const std::string name("ieum \0%?@\n\xff", 11);
  const Address address = co_await Address::unix_abstract(name + std::to_string(getpid()));
  Listener listener = co_await Listener::bind(address);
  EXPECT_EQ(listener.address(), address);
  StreamSocket client = co_await StreamSocket::connect(address.to_string());
  StreamSocket server = co_await listener.accept();
}

CO_TEST(UnixSocket, whose_file_is_stale) {
  const TemporaryDirectory directory;
  const Address address = path_address(directory.path("socket"));
  Listener former = co_await Listener::bind(address, {.unlink_on_close = false});
  co_await former.close();
  Result<Listener> listener = Listener::bind(address);
  CO_ASSERT(!listener);
  EXPECT_EQ(listener.error(), std::errc::address_in_use);
  EXPECT_EQ(listener.error().to_string(),
            "listen " + address.to_string() +
                ": address already in use: nobody listens there: remove the stale file");
  Result<StreamSocket> client = co_await attempt(StreamSocket::connect(address));
  CO_ASSERT(!client);
  EXPECT_EQ(client.error().to_string(), "connect " + address.to_string() + ": connection refused");
  std::filesystem::remove(directory.path("socket"));
  Listener again = co_await Listener::bind(address);
}

// ---- Taking a stale file's place ----------------------------------------------------------------

constexpr ListenOptions replacing{.replace_stale = true};

/// A socket file that nobody listens on any more, as a killed server leaves it.
void leave_stale_file(const Address& address) {
  const Result<Listener> former = Listener::bind(address, {.unlink_on_close = false});
  EXPECT_TRUE(former) << former.error().to_string();
}

std::string failure_of(const Address& address, const ListenOptions& options) {
  const Result<Listener> listener = Listener::bind(address, options);
  return listener ? "it listens" : listener.error().to_string();
}

std::string in_use(const Address& address, const std::string& why = "") {
  return "listen " + address.to_string() + ": address already in use" + why;
}

Task<> expect_held_by_us(Address address) {
  const std::optional<PortOwner> owner = co_await find_port_owner(address);
  CO_ASSERT(owner);
  EXPECT_EQ(owner->to_string(), held_by(getpid()));
}

Descriptor bound_socket(const std::string& path, int type) {
  Descriptor socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof name.sun_path - 1);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  return socket;
}

CO_TEST(UnixSocket, takes_the_place_of_a_stale_file_when_told_to) {
  const TemporaryDirectory directory;
  const Address address = path_address(directory.path("socket"));
  leave_stale_file(address);
  Listener listener = co_await Listener::bind(address, replacing);
  StreamSocket client = co_await StreamSocket::connect(address);
  StreamSocket server = co_await listener.accept();
  EXPECT_EQ(failure_of(address, replacing), in_use(address));
  co_await expect_held_by_us(address);
  StreamSocket second = co_await StreamSocket::connect(address);  // it still listens
}

CO_TEST(UnixSocket, takes_a_place_where_there_is_nothing) {
  const TemporaryDirectory directory;
  const Address address = path_address(directory.path("socket"));
  Listener listener = co_await Listener::bind(address, replacing);
  StreamSocket client = co_await StreamSocket::connect(address);
  const Address nowhere = path_address(directory.path("none/socket"));
  EXPECT_EQ(failure_of(nowhere, replacing),
            "listen " + nowhere.to_string() + ": no such file or directory");
}

CO_TEST(UnixSocket, never_removes_what_is_no_socket) {
  const TemporaryDirectory directory;
  const std::string path = directory.path("it");
  const Address address = path_address(path);
  const std::string refused = in_use(address, ": what is there is no socket");
  std::ofstream(path) << "precious";
  EXPECT_EQ(failure_of(address, replacing), refused);
  EXPECT_EQ(std::filesystem::file_size(path), 8U);
  std::filesystem::remove(path);

  std::filesystem::create_directory(path);
  EXPECT_EQ(failure_of(address, replacing), refused);
  EXPECT_TRUE(std::filesystem::is_directory(path));
  std::filesystem::remove(path);

  leave_stale_file(path_address(directory.path("stale")));
  std::filesystem::create_symlink(directory.path("stale"), path);
  EXPECT_EQ(failure_of(address, replacing), refused);
  EXPECT_TRUE(std::filesystem::is_symlink(path));
  EXPECT_TRUE(std::filesystem::is_socket(directory.path("stale")));
  std::filesystem::remove(path);

  CO_ASSERT(::mkfifo(path.c_str(), 0600) == 0);
  EXPECT_EQ(failure_of(address, replacing), refused);
  EXPECT_TRUE(std::filesystem::is_fifo(path));
}

CO_TEST(UnixSocket, does_not_take_the_place_of_a_living_socket) {
  const TemporaryDirectory directory;
  const std::string datagrams = directory.path("datagrams");
  const Descriptor datagram = bound_socket(datagrams, SOCK_DGRAM);
  EXPECT_EQ(failure_of(path_address(datagrams), replacing), in_use(path_address(datagrams)));
  EXPECT_TRUE(std::filesystem::is_socket(datagrams));

  const std::string soon = directory.path("soon");
  Descriptor not_yet = bound_socket(soon, SOCK_STREAM);
  EXPECT_TRUE(failure_of(path_address(soon), replacing).starts_with(in_use(path_address(soon))));
  EXPECT_TRUE(std::filesystem::is_socket(soon));
  CO_ASSERT(::listen(not_yet.get(), 0) == 0);
  StreamSocket waiting = co_await StreamSocket::connect(path_address(soon));
  // A full backlog is a sign of life, too.
  EXPECT_TRUE(failure_of(path_address(soon), replacing).starts_with(in_use(path_address(soon))));
  not_yet.close();
  Listener listener = co_await Listener::bind(path_address(soon), replacing);
}

TEST(UnixSocket, of_several_that_take_a_stale_files_place_one_listens) {
  const TemporaryDirectory directory;
  const Address address = path_address(directory.path("socket"));
  constexpr int rivals = 6;
  for (int round = 0; round < 20; ++round) {
    leave_stale_file(address);
    std::barrier everyone(rivals);
    std::array<std::string, rivals> failures;
    const auto rival = [&](std::size_t which) {
      const std::unique_ptr<Runtime> runtime = make_runtime();
      auto body = [&]() -> Task<> {
        everyone.arrive_and_wait();
        Result<Listener> listener = Listener::bind(address, replacing);
        if (!listener) failures[which] = listener.error().to_string();
        everyone.arrive_and_wait();  // the winner listens until all have tried
        if (listener) {
          StreamSocket client = co_await StreamSocket::connect(address);
          StreamSocket server = co_await listener->accept();
        }
      };
      const Result<> result = run(*runtime, body());
      EXPECT_TRUE(result) << result.error().to_string();
    };
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < rivals; ++i) threads.emplace_back(rival, i);
    for (std::jthread& thread : threads) thread.join();
    int winners = 0;
    for (const std::string& failure : failures) {
      if (failure.empty()) ++winners;
      EXPECT_TRUE(failure.empty() || failure.starts_with(in_use(address))) << failure;
    }
    EXPECT_EQ(winners, 1);
    EXPECT_FALSE(std::filesystem::exists(directory.path("socket")));
  }
}

CO_TEST(UnixSocket, removes_its_file_when_it_closes) {
  const TemporaryDirectory directory;
  const std::string path = directory.path("socket");
  Listener listener = co_await Listener::bind(path_address(path));
  Listener moved = std::move(listener);
  EXPECT_TRUE(std::filesystem::is_socket(path));
  co_await moved.close();
  EXPECT_FALSE(std::filesystem::exists(path));
  {
    const Listener destroyed = co_await Listener::bind(path_address(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  moved = co_await Listener::bind(path_address(path));
  moved = Listener();
  EXPECT_FALSE(std::filesystem::exists(path));
  {
    const Listener kept = co_await Listener::bind(path_address(path), {.unlink_on_close = false});
  }
  EXPECT_TRUE(std::filesystem::is_socket(path));
}

CO_TEST(UnixSocket, of_datagrams_removes_its_file_when_it_closes) {
  const TemporaryDirectory directory;
  const std::string path = directory.path("socket");
  DatagramSocket socket = co_await DatagramSocket::bind(path_address(path));
  EXPECT_TRUE(std::filesystem::is_socket(path));
  co_await socket.close();
  EXPECT_FALSE(std::filesystem::exists(path));
  {
    const DatagramSocket destroyed = co_await DatagramSocket::bind(path_address(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

CO_TEST(UnixSocket, leaves_a_file_that_is_no_longer_its_own) {
  const TemporaryDirectory directory;
  const std::string path = directory.path("socket");
  Listener former = co_await Listener::bind(path_address(path));
  std::filesystem::rename(path, directory.path("elsewhere"));
  Listener present = co_await Listener::bind(path_address(path));
  co_await former.close();
  StreamSocket client = co_await StreamSocket::connect(path_address(path));
  std::filesystem::remove(path);
  std::ofstream(path) << "precious";
  co_await present.close();
  EXPECT_EQ(std::filesystem::file_size(path), 8U);
}

// ---- Pairs, credentials, acknowledgement --------------------------------------------------------

CO_TEST(UnixSocket, comes_in_pairs) {
  std::pair<StreamSocket, StreamSocket> pair = co_await StreamSocket::pair();
  StreamSocket& first = pair.first;
  StreamSocket& second = pair.second;
  EXPECT_EQ(first.peer_address(), Address());
  const Address local = co_await second.local_address();
  EXPECT_EQ(local, Address());
  co_await first.write_all("there");
  co_await second.write_all("and back");
  const std::string there = co_await read_text(second, 5);
  const std::string back = co_await read_text(first, 8);
  EXPECT_EQ(there, "there");
  EXPECT_EQ(back, "and back");
  co_await first.shutdown_write();
  const std::string end = co_await read_to_end(second);
  EXPECT_EQ(end, "");
  co_await second.close();
  Result<> written = co_await attempt(first.write_all("anybody?"));
  CO_ASSERT(!written);
  EXPECT_EQ(written.error().to_string(), "write: broken pipe");
}

CO_TEST(UnixSocket, knows_who_is_at_the_other_end) {
  const PeerCredentials us{.pid = getpid(), .uid = getuid(), .gid = getgid()};
  std::pair<StreamSocket, StreamSocket> pair = co_await StreamSocket::pair();
  PeerCredentials peer = co_await pair.first.peer_credentials();
  EXPECT_EQ(peer, us);
  Listener listener = co_await Listener::bind(any_address(Transport::unix_socket));
  StreamSocket client = co_await StreamSocket::connect(listener.address());
  peer = co_await client.peer_credentials();
  EXPECT_EQ(peer, us);
  co_await client.close();
  const Result<PeerCredentials> closed = client.peer_credentials();
  CO_ASSERT(!closed);
  EXPECT_EQ(closed.error(), std::errc::bad_file_descriptor);
}

/// A client of `listener`, or none if the child has ended before one came.
Task<StreamSocket> accept_unless_ended(Listener& listener, const ForkedChild& child) {
  const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, child.pid(), 0)));
  auto ended = [&process]() -> Task<StreamSocket> {
    co_await wait_readable(process.get());
    co_return StreamSocket();
  };
  auto accepting = [&listener]() -> Task<StreamSocket> {
    StreamSocket client = co_await listener.accept();
    co_return client;
  };
  std::vector<Task<StreamSocket>> either;
  either.push_back(ended());
  either.push_back(accepting());
  StreamSocket client = co_await race(std::move(either));
  co_return client;
}

CO_TEST(UnixSocket, knows_a_child_at_the_other_end) {
  // An abstract name: another user may not be let into the folder of temporary files.
  Listener listener = co_await Listener::bind(any_address(Transport::unix_socket));
  const std::string_view bytes = listener.address().bytes();
  ForkedChild child([&] {
    if (::getuid() == 0 && (::setgid(65534) < 0 || ::setuid(65533) < 0)) return 1;
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    bytes.copy(name.sun_path + 1, sizeof name.sun_path - 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + bytes.size());
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&name), size) < 0) return 2;
    for (;;) ::pause();
  });
  StreamSocket server = co_await accept_unless_ended(listener, child);
  if (!server.is_open()) ADD_FAILURE() << "the child has ended: " << child.wait();
  CO_ASSERT(server.is_open());
  const PeerCredentials peer = co_await server.peer_credentials();
  EXPECT_EQ(peer.pid, child.pid());
  EXPECT_EQ(peer.uid, getuid() == 0 ? 65533 : getuid());
  EXPECT_EQ(peer.gid, getuid() == 0 ? 65534 : getgid());
}

CO_TEST(UnixSocket, alone_knows_who_is_at_the_other_end) {
  Pair pair = co_await connected(Transport::ipv4);
  const Result<PeerCredentials> peer = pair.client.peer_credentials();
  CO_ASSERT(!peer);
  EXPECT_EQ(peer.error().to_string(), "get peer credentials " +
                                          pair.client.peer_address().to_string() +
                                          ": operation not supported: only Unix sockets can do it");
}

CO_TEST(UnixSocket, has_been_acknowledged_once_the_peer_has_read_all) {
  std::pair<StreamSocket, StreamSocket> pair = co_await StreamSocket::pair();
  co_await pair.first.wait_acknowledged();
  co_await pair.first.write_all("two parts");
  Result<> early = co_await attempt(with_timeout(5ms, pair.first.wait_acknowledged()));
  CO_ASSERT(!early);
  EXPECT_EQ(early.error(), std::errc::timed_out);
  const std::string part = co_await read_text(pair.second, 4);
  early = co_await attempt(with_timeout(5ms, pair.first.wait_acknowledged()));
  EXPECT_FALSE(early);
  const std::string rest = co_await read_text(pair.second, 5);
  co_await pair.first.wait_acknowledged();

  co_await pair.first.write_all("never read");
  co_await pair.second.close();
  co_await pair.first.wait_acknowledged();
  std::array<std::byte, 8> buffer;
  Result<std::size_t> read = co_await attempt(pair.first.read_some(buffer));
  CO_ASSERT(!read);
  EXPECT_EQ(read.error(), std::errc::connection_reset);
}

CO_TEST(UnixSocket, in_a_directory_that_does_not_exist) {
  const TemporaryDirectory directory;
  const Address address = path_address(directory.path("none/socket"));
  Result<Listener> listener = Listener::bind(address);
  CO_ASSERT(!listener);
  EXPECT_EQ(listener.error().to_string(),
            "listen " + address.to_string() + ": no such file or directory");
}

CO_TEST(UnixSocket, with_a_space_in_its_path) {
  const TemporaryDirectory directory;
  const Address address = path_address(directory.path("a socket"));
  Listener listener = co_await Listener::bind(address);
  Result<Listener> second = Listener::bind(address);
  CO_ASSERT(!second);
  EXPECT_EQ(second.error().to_string(),
            "listen " + address.to_string() + ": address already in use");
  co_await expect_held_by_us(address);
}

CO_TEST(UnixSocket, knows_a_client_without_a_name) {
  Listener listener = co_await Listener::bind(any_address(Transport::unix_socket));
  StreamSocket client = co_await StreamSocket::connect(listener.address());
  StreamSocket server = co_await listener.accept();
  EXPECT_EQ(server.peer_address().family(), Family::none);
  EXPECT_EQ(client.peer_address(), listener.address());
}

CO_TEST(UnixSocket, knows_a_client_with_a_path_of_its_own) {
  const TemporaryDirectory directory;
  Listener listener = co_await Listener::bind(any_address(Transport::unix_socket));
  const Address source = path_address(directory.path("client"));
  StreamSocket client = co_await StreamSocket::connect(listener.address(), {.source = source});
  StreamSocket server = co_await listener.accept();
  EXPECT_EQ(server.peer_address(), source);
}

}  // namespace
}  // namespace ieum::test
