#include "tls/record_bio.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace ieum::tls {
namespace {

/// Is destroyed after the thread's list of buffers, which is made later.
struct Last {
  Last() noexcept = default;
  Last(const Last&) = delete;
  Last& operator=(const Last&) = delete;
  ~Last() {
    OutBuffer::give_back(*buffer);
    OutBuffer::give_back(*other);
    // From no list: the one that was given back last would be in front of it.
    OutBuffer* const taken = OutBuffer::take();
    *is_listed = taken->next == buffer;
    delete taken;
  }
  OutBuffer* buffer = nullptr;
  OutBuffer* other = nullptr;
  bool* is_listed = nullptr;
};
thread_local Last last;

// With AddressSanitizer the buffers that nobody frees are found as well.
TEST(TlsOutBuffers, may_be_given_back_when_the_list_of_the_thread_is_gone) {
  bool is_listed = true;
  std::thread([&] {
    last.is_listed = &is_listed;
    last.buffer = OutBuffer::take();
    last.other = OutBuffer::take();
  }).join();
  EXPECT_FALSE(is_listed);
}

}  // namespace
}  // namespace ieum::tls
