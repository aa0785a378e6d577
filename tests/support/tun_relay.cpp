#include "support/tun_relay.hpp"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <set>

namespace ieum::test {

namespace {

unsigned byte_at(const std::vector<std::byte>& packet, std::size_t at) {
  return static_cast<unsigned>(packet[at]);
}
unsigned word_at(const std::vector<std::byte>& packet, std::size_t at) {
  return byte_at(packet, at) << 8 | byte_at(packet, at + 1);
}
std::size_t header_bytes(const std::vector<std::byte>& packet) {
  return std::size_t{4} * (byte_at(packet, 0) & 0x0fU);
}

constexpr std::size_t udp_bytes = 8;

}  // namespace

TunRelay::TunRelay(const std::string& name, std::uint16_t port, const Harm& harm, unsigned seed)
    : device_(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK)),
      port_(port),
      harm_(harm),
      seed_(seed) {
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  name.copy(request.ifr_name, sizeof request.ifr_name - 1);
  if (device_ < 0 || ::ioctl(device_, TUNSETIFF, &request) != 0) {
    error_ = std::string("there can be no TUN device here: ") + std::strerror(errno);
    return;
  }
  thread_ = std::jthread([this] { run(); });
}

TunRelay::~TunRelay() {
  if (thread_.joinable()) finish();
  if (device_ >= 0) ::close(device_);
}

std::vector<std::uint16_t> TunRelay::finish() {
  ending_ = true;
  thread_.join();
  return delivered_;
}

void TunRelay::run() {
  std::mt19937 random(seed_);
  std::vector<std::byte> packet(65'536);
  for (;;) {
    packet.resize(65'536);
    const ssize_t count = ::read(device_, packet.data(), packet.size());
    if (count <= 0) {
      if (ending_) break;
      pollfd ready{.fd = device_, .events = POLLIN, .revents = 0};
      ::poll(&ready, 1, 20);
      continue;
    }
    packet.resize(static_cast<std::size_t>(count));
    random_ = random();
    take(packet);
  }
  for (const Held& held : held_) deliver(held.packet);
  held_.clear();
}

bool TunRelay::is_media(const std::vector<std::byte>& packet) const {
  constexpr unsigned udp = 17;
  constexpr std::size_t rtp_bytes = 12;
  return packet.size() >= header_bytes(packet) + udp_bytes + rtp_bytes &&
         byte_at(packet, 9) == udp && word_at(packet, header_bytes(packet) + 2) == port_;
}

void TunRelay::take(const std::vector<std::byte>& packet) {
  constexpr std::size_t ip_bytes = 20;
  if (packet.size() < ip_bytes || byte_at(packet, 0) >> 4 != 4) return;  // IPv6 is not asked for
  if (!is_media(packet)) {
    // A goodbye, say: what comes after it would be late for reasons that are ours.
    for (const Held& held : held_) deliver(held.packet);
    held_.clear();
    return deliver(packet);
  }
  const auto first = static_cast<unsigned>(random_ % 100);
  const auto second = static_cast<unsigned>(random_ / 100 % 100);
  if (first < harm_.lost_percent) return;
  if (second < harm_.delayed_percent) {
    const auto by = static_cast<unsigned>(1 + random_ / 10'000 % harm_.overtaken_by_max);
    held_.push_back({packet, by});
    return;
  }
  deliver(packet);
  if (second >= 100 - harm_.doubled_percent) deliver(packet);
  for (Held& held : held_) --held.overtaken_by;
  for (auto held = held_.begin(); held != held_.end();) {
    if (held->overtaken_by > 0) {
      ++held;
      continue;
    }
    deliver(held->packet);
    held = held_.erase(held);
  }
}

void TunRelay::deliver(const std::vector<std::byte>& packet) {
  if (::write(device_, packet.data(), packet.size()) < 0) return;
  if (!is_media(packet)) return;
  const std::size_t rtp = header_bytes(packet) + udp_bytes;
  delivered_.push_back(static_cast<std::uint16_t>(word_at(packet, rtp + 2)));
}

TunRelay::Counts TunRelay::count(const std::vector<std::uint16_t>& delivered) {
  Counts counts;
  std::set<int> came;
  for (const std::uint16_t number : delivered) {
    // At most 32767 from the first: a stream that is shorter never wraps more than once.
    const int from_first = static_cast<std::int16_t>(number - delivered.front());
    if (came.contains(from_first)) {
      ++counts.duplicates;
    } else if (!came.empty() && from_first < *came.rbegin()) {
      ++counts.reordered;
    }
    came.insert(from_first);
  }
  counts.packets = came.size();
  if (!came.empty()) {
    counts.lost = static_cast<std::uint64_t>(*came.rbegin() - *came.begin() + 1) - came.size();
  }
  return counts;
}

}  // namespace ieum::test
