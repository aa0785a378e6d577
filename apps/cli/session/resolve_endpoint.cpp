#include "session/resolve_endpoint.hpp"

#include <vector>

#include <fmt/format.h>

#include <ieum/resolve.hpp>

namespace ieum::cli {

Task<Address> resolve_endpoint(const CommonOptions& common, const char* operation) {
  const Endpoint& endpoint = common.endpoint;
  if (endpoint.is_unix()) {
    const Address address = co_await Address::parse(endpoint.target);
    co_return address;
  }
  HostPort where = split_host_port(endpoint.target);
  if (where.host == "*" && common.family == Family::ipv4) where.host = "0.0.0.0";
  const std::string text = fmt::format("{}:{}", where.host, where.port);
  const Result<Address> address = Address::parse(text);
  if (address) {
    const bool fits = common.family == Family::none || common.family == address->family();
    if (fits) co_return *address;
    const Error other = Error(std::errc::address_family_not_supported, operation, *address)
                            .with_detail("the options ask for another family");
    co_await fail(other);
  }
  ResolveOptions options;
  options.timeout = common.wait;
  options.family = common.family;
  if (where.host == "localhost" && common.family == Family::none) options.family = Family::ipv4;
  const std::vector<Address> found = co_await resolve(where.host, where.port, options);
  co_return found.front();
}

}  // namespace ieum::cli
