// Tests of what every stream must do, be it a socket or a layer over one: the kinds of streams, and
// the two ends of a connection of each.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "conformance/conformance.hpp"

/// A test that is a task, once for each kind of stream, of a suite that `EVERY_STREAM` has
/// declared. It has `kind`, and `Ends`, which `connected<Ends>(kind)` gives: sockets as such, so
/// that their own members are tested, all else as a `Stream`.
#define CO_TEST_STREAM(suite, name)                                                             \
  template <class Ends>                                                                         \
  static ::ieum::Task<> suite##_##name(::ieum::test::StreamKind kind);                          \
  TEST_P(suite, name) {                                                                         \
    const ::ieum::test::StreamKind kind = GetParam();                                           \
    if (!::ieum::test::has(kind.transport)) GTEST_SKIP() << "this machine has no IPv6";         \
    ::ieum::test::expect_success_in_time(kind.over == nullptr                                   \
                                             ? suite##_##name<::ieum::test::Pair>(kind)         \
                                             : suite##_##name<::ieum::test::StreamPair>(kind)); \
  }                                                                                             \
  template <class Ends>                                                                         \
  static ::ieum::Task<> suite##_##name([[maybe_unused]] ::ieum::test::StreamKind kind)

#define EVERY_STREAM(suite)                                                          \
  class suite : public ::testing::TestWithParam<::ieum::test::StreamKind> {};        \
  INSTANTIATE_TEST_SUITE_P(, suite, testing::ValuesIn(::ieum::test::stream_kinds()), \
                           [](const auto& of) { return std::string(of.param.name); })

namespace ieum::test {

/// The two ends of a connection.
struct StreamPair {
  StreamPair(std::unique_ptr<Stream> of_client, std::unique_ptr<Stream> of_server)
      : client_owner(std::move(of_client)), server_owner(std::move(of_server)) {}

  std::unique_ptr<Stream> client_owner;
  std::unique_ptr<Stream> server_owner;
  Stream& client = *client_owner;
  Stream& server = *server_owner;
};

struct StreamKind {
  const char* name;
  Transport transport;
  /// Makes streams over connected sockets; null: the sockets themselves.
  Task<StreamPair> (*over)(Pair sockets);

  /// Says farewell in what it sends: a close is an orderly end, also with something unread, and to
  /// finish writing is a write.
  bool says_farewell = false;

  /// Whether a reset arrives though nothing is unread: a Unix socket knows no reset of its own.
  [[nodiscard]] bool has_resets() const noexcept { return transport != Transport::unix_socket; }
};
inline void PrintTo(const StreamKind& kind, std::ostream* to) { *to << kind.name; }

/// What is told of an operation on a socket; a layer may tell of the one beneath instead.
inline testing::Matcher<std::string> is_told(const StreamKind& kind, const std::string& operation,
                                             const std::string& rest) {
  if (kind.over == nullptr) return operation + rest;
  return testing::EndsWith(rest);
}

/// Those of the program that runs the tests.
std::vector<StreamKind> stream_kinds();

template <class Ends>
Task<Ends> connected(StreamKind kind) {
  Pair pair = co_await connected(kind.transport);
  if constexpr (std::is_same_v<Ends, Pair>) {
    co_return pair;
  } else {
    StreamPair ends = co_await kind.over(std::move(pair));
    co_return ends;
  }
}
/// The same with buffers so small that a few hundred kilobytes fill them.
template <class Ends>
Task<Ends> connected_with_small_buffers(StreamKind kind) {
  Pair pair = co_await connected_with_small_buffers(kind.transport);
  if constexpr (std::is_same_v<Ends, Pair>) {
    co_return pair;
  } else {
    StreamPair ends = co_await kind.over(std::move(pair));
    co_return ends;
  }
}

}  // namespace ieum::test
