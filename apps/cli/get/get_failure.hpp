// Why a request of `ieum get` failed, as a sentence and an exit status.
#pragma once

#include <ieum/error.hpp>

#include "get/get.hpp"
#include "get/request_log.hpp"
#include "report/failure.hpp"

namespace ieum::cli {

// Exit statuses of `get` alone, as curl(1) has them.
inline constexpr Status cut_short{18};   ///< an answer without its end, however it was cut
inline constexpr Status http_error{22};  ///< 400 or above
inline constexpr Status redirects_exceeded{47};

/// The sentence begins with the URL. `refusal` is what a SOCKS proxy has said.
[[nodiscard]] Failure explain_request_failure(const Error& error, const GetCommand& command,
                                              const RequestLog& log,
                                              const std::optional<Failure>& refusal);

/// The same may succeed later, and nothing was done yet that must not be done twice.
[[nodiscard]] bool may_pass(const Failure& failure);

}  // namespace ieum::cli
