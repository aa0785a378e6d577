// The WebSocket of `ieum bench --server`.
#pragma once

#include <cstdint>
#include <optional>

#include <ieum/http/request.hpp>
#include <ieum/http/response.hpp>

namespace ieum::cli {

/// The answer to a request for one: it echoes, or answers each message with so many bytes.
[[nodiscard]] http::Response accept_bench_websocket(const http::Request& request,
                                                    std::optional<std::uint64_t> answer_bytes);

}  // namespace ieum::cli
