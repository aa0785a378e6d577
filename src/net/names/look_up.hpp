// Looking up a name: what `resolve` and connecting by name have in common.
#pragma once

#include <ieum/host_port.hpp>

#include "net/names/name_query.hpp"

namespace ieum::detail {

/// Finds out about the host of `to` and fills `answers`, one family after the other; ends when both
/// are settled. Fails, with the name, if there is no address at all.
Task<> look_up(HostPort to, ResolveOptions options, NameAnswers& answers);

}  // namespace ieum::detail
