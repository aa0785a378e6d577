// Clients of a server under test, many at a time, within this process.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <thread>

#include "cli/programs.hpp"
#include "support/support.hpp"

namespace ieum::test {

/// Until the peer's end.
inline Task<std::string> read_to_end(StreamSocket& peer) {
  std::string text;
  std::vector<std::byte> buffer(std::size_t{64} * 1024);
  for (;;) {
    const std::size_t count = co_await peer.read_some(buffer);
    if (count == 0) break;
    text.append(reinterpret_cast<const char*>(buffer.data()), count);
  }
  co_return text;
}

/// Sends `text` and its end, and gives what comes back.
inline Task<std::string> ask(std::string to, std::string text) {
  StreamSocket peer = co_await StreamSocket::connect(to);
  co_await peer.write_all(text);
  co_await peer.shutdown_write();
  std::string reply = co_await read_to_end(peer);
  co_await peer.close();
  co_return reply;
}

/// `op` on a runtime of its own, within the tests' patience; fails the test if it fails.
template <class A>
typename A::value_type succeed(A op) {
  Result<typename A::value_type> result = run_alone(with_timeout(patience, std::move(op)));
  if (!result) ADD_FAILURE() << result.error().to_string_with_trace();
  if constexpr (std::is_void_v<typename A::value_type>) {
    return;
  } else {
    return result ? *std::move(result) : typename A::value_type{};
  }
}

/// Waits until `condition` holds.
template <class Condition>
void expect_soon(const char* what, Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "never: " << what;
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace ieum::test
