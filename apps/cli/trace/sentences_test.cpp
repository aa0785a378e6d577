#include "trace/sentences.hpp"

#include <gtest/gtest.h>

namespace ieum::cli::trace {
namespace {

Ending ending(SocketState before, SocketState own, std::optional<SocketState> peer,
              std::uint64_t unread = 0, bool aborts = false) {
  return ending_of({.kind = EventKind::call,
                    .call = "close",
                    .aborts = aborts,
                    .states = {.before = before, .own = own, .peer = peer, .unread = unread}});
}

TEST(EndingOf, a_close_that_leaves_nothing_at_either_end_is_a_reset_of_either) {
  for (const SocketState before : {SocketState::established, SocketState::close_wait}) {
    EXPECT_EQ(ending(before, SocketState::closed, SocketState::closed), Ending::maybe_reset);
    EXPECT_EQ(ending(before, SocketState::closed, SocketState::closed, 0, true), Ending::reset);
  }
  EXPECT_EQ(ending(SocketState::established, SocketState::closed, std::nullopt),
            Ending::maybe_reset);
  EXPECT_EQ(ending(SocketState::established, SocketState::closed, std::nullopt, 0, true),
            Ending::reset);
}

TEST(EndingOf, a_close_with_unread_bytes_is_a_reset) {
  EXPECT_EQ(ending(SocketState::established, SocketState::closed, SocketState::time_wait, 1),
            Ending::reset);
}

// The peer's FIN came after it was asked what state this end was in.
TEST(EndingOf, closes_of_both_ends_at_the_same_time_are_orderly) {
  EXPECT_EQ(ending(SocketState::established, SocketState::closed, SocketState::time_wait),
            Ending::fin);
  EXPECT_EQ(ending(SocketState::close_wait, SocketState::closed, SocketState::time_wait),
            Ending::fin);
  EXPECT_EQ(ending(SocketState::close_wait, SocketState::closed, std::nullopt), Ending::maybe_fin);
}

}  // namespace
}  // namespace ieum::cli::trace
