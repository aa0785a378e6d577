// Why an address cannot be bound: the error names the process that holds it.
#pragma once

#include <ieum/error.hpp>
#include <ieum/port_owner.hpp>
#include <ieum/task.hpp>

namespace ieum::cli {

/// Fails with `error`, of a bind to `address`; if the address is in use, with the process that
/// holds it (`find_owner`) as the detail, unless there is a detail already or nobody is certain.
[[nodiscard]] Task<> fail_to_bind(Error error, Address address,
                                  Task<std::optional<PortOwner>> (*find_owner)(Address));

}  // namespace ieum::cli
