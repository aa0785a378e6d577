// offload: from the task to the pool and back.
#include <ieum/offload.hpp>

#include <cerrno>

namespace ieum::detail {

Start OffloadLeaf::begin(Waiter& waiter, Scope& scope) noexcept {
  if (scope.stopped()) return at_once(-ECANCELED);
  wait_in(waiter, scope);
  loop().offload(*this);
  return {};
}

void OffloadLeaf::on_stop() noexcept {
  // `state` belongs to the pool's thread while the work runs: only the pool's own word counts.
  if (!loop().take_back(*this)) return;
  result = -ECANCELED;
  loop().complete(*this);
}

}  // namespace ieum::detail
