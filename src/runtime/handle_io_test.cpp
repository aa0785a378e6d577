// PeerName: any address, whole, for as long as any copy lives.
#include <ieum/detail/handle_io.hpp>

#include <optional>
#include <string>
#include <vector>

#include "support/support.hpp"

namespace ieum::detail {
namespace {

std::vector<Address> addresses() {
  const std::array<std::uint8_t, 16> link_local{0xfe, 0x80, 0, 0, 0, 0, 0, 0,
                                                1,    2,    3, 4, 5, 6, 7, 8};
  return {Address{}, Address::ipv4({192, 0, 2, 1}, 80), Address::ipv6(link_local, 443, 7),
          Address::unix_path("/tmp/" + std::string(90, 'x')).value(),
          Address::unix_abstract("name").value()};
}

TEST(PeerName, KeepsTheWholeAddress) {
  for (const Address& address : addresses()) {
    EXPECT_EQ(PeerName(address).address(), address);
  }
}

TEST(PeerName, OutlivesItsCopies) {
  for (const Address& address : addresses()) {
    std::optional<PeerName> first(address);
    const PeerName copy = *first;
    {
      const PeerName another = copy;
    }
    first.reset();
    EXPECT_EQ(copy.address(), address);
  }
}

}  // namespace
}  // namespace ieum::detail
