#include "session/port_owner.hpp"

#include <optional>

namespace ieum::cli {

Task<> fail_to_bind(Error error, Address address,
                    Task<std::optional<PortOwner>> (*find_owner)(Address)) {
  if (error == std::errc::address_in_use && error.detail().empty()) {
    // It needs a thread, and descriptors: without them the error says less, and nothing else.
    const Result<std::optional<PortOwner>> owner = co_await attempt(find_owner(address));
    if (owner && *owner) error.set_detail((*owner)->to_string());
  }
  co_await fail(error);
}

}  // namespace ieum::cli
