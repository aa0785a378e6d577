// Running tasks in virtual time, on a driver that does nothing.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "support/null_driver.hpp"
#include "support/support.hpp"

namespace ieum::test {

using namespace std::chrono_literals;

/// Runs `op` in virtual time; what is left behind is found when the runtime ends.
template <class A>
Result<typename A::value_type> run_virtually(A op) {
  const std::unique_ptr<Runtime> runtime = make_null_runtime();
  return run(*runtime, std::move(op));
}

/// The same; `at` of virtual time after its start the whole is asked to stop.
template <class A>
Result<typename A::value_type> run_stopped(Duration at, A op) {
  const std::unique_ptr<Runtime> runtime = make_null_runtime();
  auto running = runtime->start(std::move(op));
  auto stopper = runtime->start(sleep(at));
  while (!stopper.done()) runtime->turn();
  running.stop();
  while (!running.done()) runtime->turn();
  return running.take();
}

/// The loop's time, in milliseconds since its first turn at the earliest.
inline std::int64_t now_ms(const Runtime& runtime) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(runtime.now().time_since_epoch())
      .count();
}

}  // namespace ieum::test
