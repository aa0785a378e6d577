// Tests on a runtime that has few receive buffers.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "conformance/conformance.hpp"

namespace ieum::test {

inline constexpr unsigned few = 4;

/// A test on a runtime with few receive buffers.
#define FEW_BUFFERS_TEST(name)                                             \
  static Task<> FewBuffers_##name();                                       \
  TEST(FewBuffers, name) { expect_with_few_buffers(FewBuffers_##name()); } \
  static Task<> FewBuffers_##name()

inline void expect_with_few_buffers(Task<> task) {
  const std::unique_ptr<Runtime> runtime = make_runtime({.receive_buffers_max = few});
  const Result<> result = run(*runtime, with_timeout(patience, std::move(task)));
  if (!result) ADD_FAILURE() << result.error().to_string_with_trace();
}

/// Holds leases until they are given back.
struct Holder {
  std::vector<Lease> leases;
};
inline Task<> take_all_buffers(Holder& holder) {
  std::pair<StreamSocket, StreamSocket> pair = co_await StreamSocket::pair();
  while (holder.leases.size() < few) {
    const std::string text = "held " + std::to_string(holder.leases.size());
    co_await pair.first.write_all(text);
    auto receive = with_timeout(30s, pair.second.receive());
    Lease data = co_await std::move(receive);
    EXPECT_EQ(data.text(), text);
    holder.leases.push_back(std::move(data));
  }
}

}  // namespace ieum::test
