// A name server for the tests (RFC 1035).
#include "conformance/names/dns_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

namespace ieum::test {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t header_bytes = 12;
constexpr int type_aaaa = 28;

std::string two_bytes(std::size_t value) {
  return {static_cast<char>(value >> 8U), static_cast<char>(value)};
}

/// The name of a question, and its type.
struct Question {
  std::string name;
  int type = 0;
  std::size_t end = 0;
};

Question question_of(const std::string& message) {
  Question question;
  std::size_t at = header_bytes;
  while (at < message.size() && message[at] != 0) {
    const auto length = static_cast<unsigned char>(message[at]);
    if (!question.name.empty()) question.name += '.';
    question.name += message.substr(at + 1, length);
    at += length + std::size_t{1};
  }
  std::ranges::transform(question.name, question.name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  question.type = static_cast<unsigned char>(message.at(at + 2));
  question.end = at + 5;
  return question;
}

std::string record(const std::string& ip, int type, unsigned ttl) {
  std::array<char, 16> bytes{};
  const int family = type == type_aaaa ? AF_INET6 : AF_INET;
  if (inet_pton(family, ip.c_str(), bytes.data()) != 1) std::abort();
  const std::size_t size = type == type_aaaa ? 16 : 4;
  // The name of the question, its type, class IN, how long it may be kept.
  return "\xc0\x0c" + two_bytes(static_cast<std::size_t>(type)) + two_bytes(1) +
         two_bytes(ttl >> 16U) + two_bytes(ttl & 0xffffU) + two_bytes(size) +
         std::string(bytes.data(), size);
}

/// A socket of `type` at `address`, whose port it fills in.
Descriptor bound(int type, Address& address) {
  Descriptor socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(address.port());
  std::memcpy(&name.sin_addr, address.bytes().data(), 4);
  socklen_t size = sizeof name;
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&name), size) < 0) return {};
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size);
  address.set_port(ntohs(name.sin_port));
  return socket;
}

}  // namespace

struct DnsServer::Reply {
  Clock::time_point due;
  sockaddr_in to;
  std::string text;
};

DnsServer::DnsServer(std::map<std::string, DnsName> names, std::string_view address)
    : names_(std::move(names)), random_(seed()) {
  const Address wanted = Address::parse(address).value_or(Address{});
  for (int i = 0; i < 100 && tcp_.get() < 0; ++i) {  // the same port for both
    address_ = wanted;
    udp_ = bound(SOCK_DGRAM, address_);
    tcp_ = bound(SOCK_STREAM, address_);
  }
  if (udp_.get() < 0 || tcp_.get() < 0 || ::listen(tcp_.get(), 16) < 0) std::abort();
  thread_ = std::jthread([this] { run(); });
}

DnsServer::~DnsServer() {
  stop_.writer.close();
  thread_.join();
}

void DnsServer::run() {
  std::vector<Reply> replies;
  for (;;) {
    std::array<pollfd, 3> ready = {{{.fd = stop_.reader.get(), .events = POLLIN, .revents = 0},
                                    {.fd = udp_.get(), .events = POLLIN, .revents = 0},
                                    {.fd = tcp_.get(), .events = POLLIN, .revents = 0}}};
    int pause = -1;
    for (const Reply& reply : replies) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(reply.due - Clock::now());
      const int milliseconds = std::max(0, static_cast<int>(left.count()));
      pause = pause < 0 ? milliseconds : std::min(pause, milliseconds);
    }
    ::poll(ready.data(), ready.size(), pause);
    if (ready[0].revents != 0) return;
    if (ready[1].revents != 0) take_datagram(replies);
    if (ready[2].revents != 0) take_connection();
    std::erase_if(replies, [this](const Reply& reply) {
      if (reply.due > Clock::now()) return false;
      ::sendto(udp_.get(), reply.text.data(), reply.text.size(), 0,
               reinterpret_cast<const sockaddr*>(&reply.to), sizeof reply.to);
      return true;
    });
  }
}

void DnsServer::take_datagram(std::vector<Reply>& replies) {
  std::string question(512, '\0');
  Reply reply{};
  socklen_t size = sizeof reply.to;
  const ssize_t count = ::recvfrom(udp_.get(), question.data(), question.size(), 0,
                                   reinterpret_cast<sockaddr*>(&reply.to), &size);
  if (count <= 0) return;
  question.resize(static_cast<std::size_t>(count));
  Duration delay{};
  reply.text = answer_to(question, false, delay);
  if (reply.text.empty()) return;
  reply.due = Clock::now() + delay;
  replies.push_back(std::move(reply));
}

void DnsServer::take_connection() {
  const Descriptor client(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  for (;;) {
    std::array<unsigned char, 2> length{};
    if (::recv(client.get(), length.data(), 2, MSG_WAITALL) != 2) return;
    std::string question(static_cast<std::size_t>(length[0] * 256 + length[1]), '\0');
    const ssize_t count = ::recv(client.get(), question.data(), question.size(), MSG_WAITALL);
    if (count != static_cast<ssize_t>(question.size())) return;
    ++questions_by_tcp_;
    Duration delay{};
    const std::string answer = answer_to(question, true, delay);
    if (answer.empty()) return;
    const std::string message = two_bytes(answer.size()) + answer;
    ::send(client.get(), message.data(), message.size(), MSG_NOSIGNAL);
  }
}

std::string DnsServer::answer_to(const std::string& question, bool by_tcp, Duration& delay) {
  using Kind = DnsAnswer::Kind;
  ++questions_;
  const Question asked = question_of(question);
  DnsAnswer none;
  none.kind = Kind::no_name;
  const auto found = names_.find(asked.name);
  DnsAnswer& answer = found == names_.end()     ? none
                      : asked.type == type_aaaa ? found->second.ipv6
                                                : found->second.ipv4;
  delay = answer.delay;
  if (answer.kind == Kind::silence || answer.ignored-- > 0) return {};
  const bool truncated = answer.kind == Kind::truncated && !by_tcp;
  const bool full = answer.kind == Kind::addresses || answer.kind == Kind::garbage ||
                    answer.kind == Kind::nonsense || (answer.kind == Kind::truncated && by_tcp);
  const int code = answer.kind == Kind::no_name   ? 3
                   : answer.kind == Kind::failure ? 2
                   : answer.kind == Kind::refusal ? 5
                                                  : 0;
  std::string text = question.substr(0, asked.end);
  text[2] = static_cast<char>(truncated ? 0x83 : 0x81);  // a response, recursion desired
  text[3] = static_cast<char>(0x80 | code);
  const std::string count = two_bytes(full ? answer.addresses.size() : 0);
  text.replace(6, 2, count);
  text.replace(8, 4, 4, '\0');
  for (const std::string& ip : answer.addresses) {
    if (full) text += record(ip, asked.type, answer.ttl);
  }
  if (answer.kind == Kind::nonsense) text.resize(text.size() - 3);
  return answer.kind == Kind::garbage ? garbage(std::move(text)) : text;
}

std::string DnsServer::garbage(std::string answer) {
  const auto below = [this](std::size_t limit) { return random_() % limit; };
  const std::size_t way = below(4);
  if (way == 0) {  // anything
    answer.resize(1 + below(400));
    for (char& byte : answer) byte = static_cast<char>(random_());
  } else if (way == 1) {  // cut
    answer.resize(1 + below(answer.size()));
  } else {  // changed behind the identifier, or behind the question
    const std::size_t from = way == 2 ? 2 : question_of(answer).end;
    for (std::size_t i = 1 + below(8); i > 0 && answer.size() > from; --i) {
      answer[from + below(answer.size() - from)] = static_cast<char>(random_());
    }
  }
  return answer;
}

}  // namespace ieum::test
