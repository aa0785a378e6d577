// NullDriver: a driver that does nothing and completes every operation at once, in virtual time: a
// wait jumps to its deadline. What the library itself costs is measured on it, and tests of time
// run on it without sleeping.
#pragma once

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <ieum/runtime.hpp>

#include "base/driver.hpp"

namespace ieum::test {

using detail::Adopted;
using detail::Half;
using detail::Operation;
using detail::OperationQueue;
using detail::Pending;
using detail::SocketType;

class NullDriver final : public detail::Driver {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "null"; }
  [[nodiscard]] TimePoint now() const noexcept override { return now_; }
  void pass(Duration time) noexcept { now_ += time; }

  bool submit(Operation& operation) noexcept override {
    switch (operation.kind) {
      case Operation::Kind::receive:
        if (operation.pooled) operation.data = pooled_.data();
        operation.result =
            static_cast<std::int64_t>(operation.pooled ? pooled_.size() : operation.size);
        break;
      case Operation::Kind::send:
        operation.result = static_cast<std::int64_t>(total(operation));
        break;
      case Operation::Kind::receive_datagrams:
      case Operation::Kind::send_datagrams:
        operation.result = static_cast<std::int64_t>(operation.transfer->datagrams.size());
        break;
      case Operation::Kind::lease:
        operation.data = pooled_.data();
        operation.result = static_cast<std::int64_t>(pooled_.size());
        break;
      case Operation::Kind::accept: operation.result = handle_of_all; break;
      default: operation.result = 0;
    }
    return true;
  }
  void cancel(Operation& /*operation*/) noexcept override {}
  void wait(TimePoint deadline, OperationQueue& /*done*/) noexcept override {
    if (deadline == TimePoint::max()) {
      std::fprintf(stderr, "null driver: a task waits for what will never come\n");
      std::abort();
    }
    if (deadline > now_) now_ = deadline;
  }
  void wake() noexcept override {}

  void give_back(std::uint32_t /*buffer*/) noexcept override {}

  int open(Family /*family*/, SocketType /*type*/) noexcept override { return handle_of_all; }
  int adopt(int descriptor, Adopted /*adopted*/) noexcept override { return descriptor; }
  int release(int /*handle*/) noexcept override { return -ENOTSUP; }
  void discard(int /*handle*/) noexcept override {}
  int bind(int /*handle*/, const Address& /*address*/) noexcept override { return 0; }
  int listen(int /*handle*/, int /*backlog*/) noexcept override { return 0; }
  int shutdown(int /*handle*/, Half /*half*/) noexcept override { return 0; }
  int local_address(int /*handle*/, Address& /*address*/) noexcept override { return 0; }
  int peer_address(int /*handle*/, Address& /*address*/) noexcept override { return 0; }
  int source_address(const Address& /*to*/, Address& /*source*/) noexcept override { return 0; }
  int set_option(int /*handle*/, SocketOption /*option*/, int /*value*/) noexcept override {
    return 0;
  }
  int get_option(int /*handle*/, SocketOption /*option*/, int& value) noexcept override {
    value = 0;
    return 0;
  }
  int reset_on_close(int /*handle*/) noexcept override { return 0; }
  std::int64_t unacknowledged(int /*handle*/) noexcept override { return 0; }
  [[nodiscard]] Pending pending(int /*handle*/) const noexcept override { return {}; }
  int information(int /*handle*/, SocketInfo& /*info*/) noexcept override { return -EOPNOTSUPP; }
  int set_peer(int /*handle*/, const Address& /*peer*/) noexcept override { return 0; }
  int join_group(int /*handle*/, const Membership& /*membership*/) noexcept override { return 0; }
  int leave_group(int /*handle*/, const Membership& /*membership*/) noexcept override { return 0; }
  int take_error(int /*handle*/, DatagramError& /*error*/) noexcept override { return 0; }
  int datagram_queues(int /*handle*/, detail::DatagramQueues& /*queues*/) noexcept override {
    return 0;
  }
  int open_pair(int& first, int& second) noexcept override {
    first = second = handle_of_all;
    return 0;
  }
  int peer_credentials(int /*handle*/, PeerCredentials& peer) noexcept override {
    peer = {};
    return 0;
  }
  std::int64_t send_descriptors(int /*handle*/, ConstBuffer data,
                                std::span<const int> /*descriptors*/) noexcept override {
    return static_cast<std::int64_t>(data.size());
  }
  std::int64_t receive_descriptors(int /*handle*/, std::span<std::byte> into,
                                   std::span<int> /*descriptors*/,
                                   std::size_t& count) noexcept override {
    count = 0;
    return static_cast<std::int64_t>(into.size());
  }

 private:
  static constexpr int handle_of_all = 1000000;  // no descriptor of this process

  static std::size_t total(const Operation& operation) noexcept {
    if (operation.parts == nullptr) return operation.size;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < operation.size; ++i) bytes += operation.parts[i].size();
    return bytes;
  }

  std::array<std::byte, 64> pooled_{};
  TimePoint now_{std::chrono::seconds(1)};
};

inline std::unique_ptr<Runtime> make_null_runtime() {
  return std::make_unique<Runtime>(std::make_unique<NullDriver>());
}

}  // namespace ieum::test
