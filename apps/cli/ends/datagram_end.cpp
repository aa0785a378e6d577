#include "ends/datagram_end.hpp"

namespace ieum::cli {

Task<std::optional<std::size_t>> DatagramEnd::read(std::span<std::byte> into) {
  const Datagram datagram = co_await socket_.receive(into);
  co_return datagram.data.size();
}

Task<std::optional<std::size_t>> DatagramEnd::write(ConstBuffer data) {
  co_await socket_.send(data);
  co_return data.size();
}

}  // namespace ieum::cli
