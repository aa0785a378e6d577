// Posted: work that another thread gave to a loop.
#pragma once

#include <functional>

namespace ieum::detail {

struct Posted {
  std::move_only_function<void()> work;
};

}  // namespace ieum::detail
