// Interrupt: the first Ctrl-C asks a command to end well, the second ends it at once.
#pragma once

#include <csignal>
#include <tuple>
#include <utility>

#include <ieum/event.hpp>
#include <ieum/select.hpp>
#include <ieum/signals.hpp>

#include "report/failure.hpp"

namespace ieum::cli {

struct Interrupt {
  int signal = 0;  ///< SIGINT, SIGTERM or SIGHUP, once `raised` is set
  Event raised;

  [[nodiscard]] bool is_raised() const noexcept { return signal != 0; }
  [[nodiscard]] Status status() const noexcept {
    if (signal == SIGHUP) return Status::hung_up;
    return signal == SIGTERM ? Status::terminated : Status::interrupted;
  }
};

/// Waits for the first signal. `signals` ends with this task: the next one does what it always did.
inline Task<> watch_signals(Signals signals, Interrupt& interrupt) {
  interrupt.signal = co_await signals.next();
  interrupt.raised.set();
}

/// `op`'s result; `operation_canceled` if the interruption came first: `op` has then been stopped.
template <class A>
Task<typename A::value_type> unless_interrupted(A op, Interrupt& interrupt) {
  using T = typename A::value_type;
  auto either = co_await select(std::move(op), interrupt.raised.wait());
  if (!std::get<0>(either)) co_await fail(std::errc::operation_canceled, "interrupt");
  Result<T> result = *std::move(std::get<0>(either));
  if constexpr (std::is_void_v<T>) {
    if (!result) co_await fail(result.error());
  } else {
    co_return std::move(result);
  }
}

}  // namespace ieum::cli
