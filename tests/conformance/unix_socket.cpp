// Unix sockets: paths of every length, abstract names, stale files, who is at the other end.
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

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
  Listener former = co_await Listener::bind(address);
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
            "listen " + address.to_string() + ": address already in use, " + held_by(getpid()));
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
