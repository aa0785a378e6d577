// Looking up a name: what `resolve` and connecting by name have in common.
#pragma once

#include <string>

#include "net/names/name_query.hpp"

namespace ieum::detail {

/// Finds out about `host` and fills `answers`, one family after the other; ends when both are
/// settled. Fails, with the name, if there is no address at all.
Task<> look_up(std::string host, std::uint16_t port, ResolveOptions options, NameAnswers& answers);

}  // namespace ieum::detail
