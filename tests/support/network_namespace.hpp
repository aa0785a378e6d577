// A network of the test's own.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace ieum::test {

/// Runs `body` in a thread with a network namespace of its own, loopback up, after the shell has
/// run `commands` there. Gives the reason if the system does not allow it, else an empty text.
std::string in_network_namespace(std::string_view commands, const std::function<void()>& body);

}  // namespace ieum::test
