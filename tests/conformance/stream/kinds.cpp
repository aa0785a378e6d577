// The kinds of streams of which the tests in every_stream/ are run here.
#include "conformance/every_stream/streams.hpp"
#include "support/xor_stream.hpp"

namespace ieum::test {
namespace {

Task<StreamPair> three_layers(Pair sockets) {
  co_return StreamPair(layered(std::move(sockets.client)), layered(std::move(sockets.server)));
}

}  // namespace

std::vector<StreamKind> stream_kinds() {
  return {{"ipv4", Transport::ipv4, nullptr},
          {"ipv6", Transport::ipv6, nullptr},
          {"unix_socket", Transport::unix_socket, nullptr},
          {"three_layers", Transport::ipv4, three_layers},
          {"three_layers_over_unix", Transport::unix_socket, three_layers}};
}

}  // namespace ieum::test
