// Lease: its buffer goes back to the driver's pool.
#include <ieum/lease.hpp>

#include <ieum/detail/handle_io.hpp>

#include "base/driver.hpp"

namespace ieum {

void Lease::give_back() noexcept {
  std::exchange(driver_, nullptr)->give_back(buffer_);
  data_ = nullptr;
  size_ = 0;
}

namespace detail {

void ReceiveLeaf::give_back() noexcept { loop().driver().give_back(buffer); }

}  // namespace detail
}  // namespace ieum
