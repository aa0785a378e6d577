#include "session/resolve_endpoint.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include <ieum/host_port.hpp>
#include <ieum/resolve.hpp>

namespace ieum::cli {

Task<Address> resolve_endpoint(const CommonOptions& common, const char* operation) {
  const std::vector<Address> all = co_await resolve_addresses(common, operation);
  co_return all.front();
}

Task<std::vector<Address>> resolve_addresses(const CommonOptions& common, const char* operation) {
  const Endpoint& endpoint = common.endpoint;
  if (endpoint.is_unix()) {
    const Address address = co_await Address::parse(endpoint.target);
    co_return std::vector<Address>(1, address);
  }
  std::string target = endpoint.target;
  if (target.starts_with('*') && common.family == Family::ipv4) target.replace(0, 1, "0.0.0.0");
  const Result<Address> address = Address::parse(target);
  if (address) {
    const bool fits = common.family == Family::none || common.family == address->family();
    if (fits) co_return std::vector<Address>(1, *address);
    const Error other = Error(std::errc::address_family_not_supported, operation, *address)
                            .with_detail("the options ask for another family");
    co_await fail(other);
  }
  ResolveOptions options;
  options.timeout = common.wait;
  options.family = common.family;
  const HostPort where = co_await HostPort::parse(target);
  const std::vector<Address> found = co_await resolve(where.host(), where.port(), options);
  if (where.host() != "localhost") co_return found;
  std::vector<Address> in_order;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    std::ranges::copy_if(found, std::back_inserter(in_order),
                         [family](const Address& one) { return one.family() == family; });
  }
  co_return in_order;
}

}  // namespace ieum::cli
