// Names of services for port numbers: http, ssh.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ieum::cli {

/// The port of a service, by its name in lower-case letters; of `udp` if it is one of datagrams.
/// Those that everyone knows are built in, as a small system has no /etc/services (services(5)).
[[nodiscard]] std::optional<std::uint16_t> port_of_service(std::string_view name, bool udp);

/// It could be the name of one: a word that is no number.
[[nodiscard]] bool is_service_name(std::string_view text) noexcept;

}  // namespace ieum::cli
