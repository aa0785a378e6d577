// A conversation of datagrams: each begins with its number, which its answer has too.
#include <cstring>
#include <utility>

#include <ieum/datagram_socket.hpp>

#include "bench/conversation.hpp"

namespace ieum::cli {

namespace {

class DatagramConversation final : public Conversation {
 public:
  DatagramConversation(DatagramSocket socket, const BenchTarget& target)
      : socket_(std::move(socket)), message_(target.message), buffer_(target.message.size() + 1) {}

  Task<> send(std::uint64_t first, std::size_t count) override {
    for (std::uint64_t number = first; number < first + count; ++number) {
      std::memcpy(message_.data(), &number, sizeof number);
      co_await socket_.send(message_);
    }
  }
  Task<> receive(std::vector<Answer>& to) override {
    const Datagram datagram = co_await socket_.receive(std::span(buffer_));
    Answer answer{.bytes = datagram.data.size()};
    if (datagram.data.size() >= sizeof answer.number) {
      std::memcpy(&answer.number, datagram.data.data(), sizeof answer.number);
      to.push_back(answer);
    }
  }
  Task<> end() override { return socket_.close(); }
  Address peer_address() const override { return socket_.peer_address(); }

 private:
  DatagramSocket socket_;
  std::string message_;
  std::vector<std::byte> buffer_;  // a longer answer is seen to be another
};

}  // namespace

Task<std::unique_ptr<Conversation>> open_datagram_conversation(const BenchTarget& target) {
  DatagramSocket socket = co_await DatagramSocket::connect(target.addresses.front());
  std::unique_ptr<Conversation> made =
      std::make_unique<DatagramConversation>(std::move(socket), target);
  co_return made;
}

}  // namespace ieum::cli
