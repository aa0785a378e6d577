#include "trace/dns_answer.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <ieum/host_port.hpp>

namespace ieum::cli::trace {

namespace {

constexpr std::size_t header_bytes = 12;
constexpr unsigned type_a = 1;
constexpr unsigned type_aaaa = 28;
constexpr unsigned class_internet = 1;

/// Reads from the front; once something is missing, all that follows is.
class Message {
 public:
  explicit Message(std::string_view bytes) : rest_(bytes) {}

  unsigned number16() {
    const std::string_view two = take(2);
    if (two.size() < 2) return 0;
    return static_cast<unsigned>(static_cast<unsigned char>(two[0]) << 8U) |
           static_cast<unsigned char>(two[1]);
  }
  std::string_view take(std::size_t count) {
    if (rest_.size() < count) {
      is_whole_ = false;
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  /// A name, of which a pointer to an earlier one is skipped: questions have none.
  std::string name() {
    constexpr unsigned char pointer = 0xc0;
    std::string text;
    while (is_whole_) {
      const std::string_view length = take(1);
      if (length.empty()) break;
      const auto count = static_cast<unsigned char>(length[0]);
      if (count == 0) break;
      if (count >= pointer) {
        take(1);
        break;
      }
      if (!text.empty()) text += '.';
      text += take(count);
    }
    return text;
  }
  [[nodiscard]] bool is_whole() const noexcept { return is_whole_; }

 private:
  std::string_view rest_;
  bool is_whole_ = true;
};

template <std::size_t count>
std::array<std::uint8_t, count> bytes_of(std::string_view data) {
  std::array<std::uint8_t, count> bytes{};
  std::ranges::copy(data, bytes.begin());
  return bytes;
}

}  // namespace

std::vector<NamedAddress> read_dns_answer(std::string_view message) {
  constexpr unsigned is_answer = 0x8000;
  constexpr unsigned failure = 0x000f;
  Message rest(message);
  rest.take(2);  // which question it answers
  const unsigned flags = rest.number16();
  const unsigned questions = rest.number16();
  const unsigned answers = rest.number16();
  rest.take(header_bytes - 8);
  if ((flags & is_answer) == 0 || (flags & failure) != 0 || questions != 1) return {};
  const std::string host = rest.name();
  rest.take(4);  // the question's type and class
  if (host.empty() || host.size() > HostPort::host_bytes_max) return {};
  std::vector<NamedAddress> found;
  for (unsigned i = 0; i < answers && rest.is_whole(); ++i) {
    rest.name();
    const unsigned type = rest.number16();
    const unsigned of_class = rest.number16();
    rest.take(4);  // how long it may be kept
    const std::string_view data = rest.take(rest.number16());
    if (of_class != class_internet) continue;
    if (type == type_a && data.size() == 4) {
      found.push_back({.host = host, .address = Address::ipv4(bytes_of<4>(data), 0)});
    } else if (type == type_aaaa && data.size() == 16) {
      found.push_back({.host = host, .address = Address::ipv6(bytes_of<16>(data), 0)});
    }
  }
  return found;
}

}  // namespace ieum::cli::trace
