// Where the library has no WebSocket, there are no ws:// addresses.
#include "bench/bench_server_websocket.hpp"
#include "bench/conversation.hpp"

namespace ieum::cli {

bool has_websocket() noexcept { return false; }

Task<std::unique_ptr<Conversation>> open_websocket_conversation(const BenchTarget& /*target*/,
                                                                OpenTrouble& /*trouble*/) {
  co_return fail(std::errc::not_supported, "connect");
}

http::Response accept_bench_websocket(const http::Request& /*request*/,
                                      std::optional<std::uint64_t> /*answer_bytes*/) {
  return http::Response(http::Status::not_implemented);
}

}  // namespace ieum::cli
