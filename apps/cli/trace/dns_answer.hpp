// The names in a DNS answer that a traced program has received: what its addresses are called.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <ieum/address.hpp>

namespace ieum::cli::trace {

struct NamedAddress {
  std::string host{};  ///< the name that was asked for; any bytes
  Address address{};   ///< without a port
};

/// The addresses of an answer (RFC 1035, RFC 3596); none of what is no whole answer to one
/// question.
[[nodiscard]] std::vector<NamedAddress> read_dns_answer(std::string_view message);

}  // namespace ieum::cli::trace
