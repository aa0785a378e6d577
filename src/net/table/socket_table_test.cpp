// SocketTable, with sockets of this process.
#include <ieum/socket_table.hpp>

#include <liburing.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "net/table/system_calls.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

/// The entry that this process has open with `descriptor`.
const SocketEntry* find(const SocketTable& table, int descriptor) {
  for (std::size_t i = 0; i < table.sockets().size(); ++i) {
    for (const SocketHolder& holder : table.holders(i)) {
      const SocketProcess& process = table.processes()[holder.process];
      if (process.pid == ::getpid() && holder.descriptor == descriptor) return &table.sockets()[i];
    }
  }
  return nullptr;
}

TEST(SocketTable, HasTheSocketsOfThisProcess) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  ASSERT_EQ(::write(ends[0], "hello", 5), 5);
  const Descriptor first(ends[0]);
  const Descriptor second(ends[1]);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const Descriptor owner(listener);
  ASSERT_EQ(::listen(listener, 7), 0);
  const Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{.events = EPOLLIN, .data = {}};
  ASSERT_EQ(::epoll_ctl(epoll.number(), EPOLL_CTL_ADD, listener, &event), 0);

  const Result<SocketTable> table = SocketTable::read();
  ASSERT_TRUE(table) << table.error().to_string();
  EXPECT_EQ(table->left_out(), 0U);

  const SocketEntry* server = find(*table, listener);
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->info.kind, SocketKind::tcp_listener);
  EXPECT_EQ(server->info.state, SocketState::listen);
  EXPECT_EQ(server->info.backlog->max, 7U);
  EXPECT_TRUE(server->info.receiving);  // epoll asks for input
  const auto index = static_cast<std::size_t>(server - table->sockets().data());
  ASSERT_EQ(table->holders(index).size(), 1U);
  EXPECT_EQ(table->holders(index)[0].epoll_events, std::uint32_t{EPOLLIN | EPOLLERR | EPOLLHUP});

  const SocketEntry* reader = find(*table, ends[1]);
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(reader->info.receive_queue_bytes, 5U);
  ASSERT_NE(reader->other_end, SocketEntry::npos);
  EXPECT_EQ(&table->sockets()[reader->other_end], find(*table, ends[0]));
  EXPECT_EQ(reader->uid, ::geteuid());
}

TEST(SocketTable, ARingThatAloneHasASocketIsItsHolder) {
  io_uring ring{};
  if (::io_uring_queue_init(4, &ring, 0) < 0) GTEST_SKIP() << "there is no io_uring";
  const int number = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Descriptor socket(number);
  ASSERT_EQ(::listen(number, 3), 0);
  ASSERT_EQ(::io_uring_register_files(&ring, &number, 1), 0);
  const Result<SocketTable> before = SocketTable::read();
  ASSERT_TRUE(before) << before.error().to_string();
  const SocketEntry* entry = find(*before, number);
  ASSERT_NE(entry, nullptr);
  const std::uint32_t inode = entry->inode;
  socket.close();

  const Result<SocketTable> table = SocketTable::read();
  ASSERT_TRUE(table) << table.error().to_string();
  const auto at = std::ranges::find(table->sockets(), inode, &SocketEntry::inode);
  ASSERT_NE(at, table->sockets().end());
  const auto holders = table->holders(static_cast<std::size_t>(at - table->sockets().begin()));
  if (holders.empty()) GTEST_SKIP() << "this kernel does not tell which files a ring has";
  EXPECT_EQ(holders.front().descriptor, -1);
  EXPECT_TRUE(table->processes()[holders.front().process].uses_io_uring);
  ::io_uring_queue_exit(&ring);
}

TEST(SocketTable, KeepsNoMoreThanItIsTold) {
  const Descriptor one(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Descriptor two(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Result<SocketTable> table =
      SocketTable::read({.tcp = false, .udp = false, .holders = false, .sockets_max = 1});
  ASSERT_TRUE(table) << table.error().to_string();
  EXPECT_EQ(table->sockets().size(), 1U);
  EXPECT_GE(table->left_out(), 1U);
  EXPECT_TRUE(table->holders(0).empty());
  EXPECT_TRUE(table->processes().empty());
}

TEST(SocketTable, NoNamespaceIsAnError) {
  const Descriptor pipe_or_so(::epoll_create1(EPOLL_CLOEXEC));
  const Result<SocketTable> table = SocketTable::read({.network_namespace = pipe_or_so.number()});
  ASSERT_FALSE(table);
  EXPECT_TRUE(table.error().to_string().starts_with("enter the network namespace: "));
}

TEST(SystemCalls, AreFoundByNumberAndByName) {
  using Role = detail::SystemCall::Role;
  EXPECT_EQ(detail::find_system_call(SYS_recvfrom).name, "recvfrom");
  EXPECT_EQ(detail::role_of("recvfrom"), Role::receive);
  EXPECT_EQ(detail::role_of("connect"), Role::send);
  EXPECT_EQ(detail::role_of(""), Role::other);
  EXPECT_EQ(detail::find_system_call(-1).name, "");
}

}  // namespace
}  // namespace ieum::test
