// What the tests of receive() share.
#pragma once

#include <algorithm>
#include <array>
#include <string>

#include "conformance/conformance.hpp"

namespace ieum::test {

template <class S>
Task<std::string> receive_to_end(S& from) {
  std::string text;
  while (Lease data = co_await from.receive()) text += data.text();
  co_return text;
}

template <class S>
Task<> send_and_finish(S& to, ConstBuffer data) {
  co_await to.write_all(data);
  co_await to.shutdown_write();
}

/// Reads the end `times` times.
inline Task<> expect_end(auto& stream, int times = 3) {
  std::array<std::byte, 16> buffer;
  for (int i = 0; i < times; ++i) {
    const std::size_t count = co_await stream.read_some(buffer);
    EXPECT_EQ(count, 0U) << "read " << i << " after the end";
  }
}

inline bool is_same(std::string_view got, ConstBuffer expected) {
  return same_bytes(std::as_bytes(std::span(got)), expected);
}

/// A receive in a task of its own, and how it ended.
struct Receiving {
  std::string got;
  std::string ended = "not yet";
};
inline Task<> receive_once(auto& from, Receiving& receiving) {
  Result<Lease> data = co_await attempt(from.receive());
  if (data) receiving.got = data->text();
  receiving.ended = data ? "succeeded" : data.error().to_string();
}

inline Task<> until_ended(const Receiving& receiving) {
  while (receiving.ended == "not yet") co_await sleep(1ms);
}

/// Lets what was started come to where it waits, and the driver hear of what has come.
inline Task<> let_it_wait() {
  for (int i = 0; i < 3; ++i) co_await sleep(1ms);
}

}  // namespace ieum::test
