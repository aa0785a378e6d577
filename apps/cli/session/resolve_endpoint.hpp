// Finding the address that an endpoint names.
#pragma once

#include <vector>

#include <ieum/address.hpp>
#include <ieum/task.hpp>

#include "session/common_options.hpp"

namespace ieum::cli {

/// The address to listen on, or of the peer of datagrams; of a name's addresses the first, for
/// `localhost` that of IPv4 unless another is asked for. A lookup takes at most `common.wait`.
/// Errors: those of `resolve`; `address_family_not_supported`, which names `operation`.
[[nodiscard]] Task<Address> resolve_endpoint(const CommonOptions& common, const char* operation);
/// The same with all addresses of a name, in the order in which they are to be tried; at least one.
[[nodiscard]] Task<std::vector<Address>> resolve_addresses(const CommonOptions& common,
                                                           const char* operation);

}  // namespace ieum::cli
