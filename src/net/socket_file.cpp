// The file of a Unix socket.
#include "net/socket_file.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string>

namespace ieum::detail {

namespace {

Descriptor open_socket(int type) noexcept {
  return Descriptor(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

}  // namespace

SocketFile socket_file(const Address& address) noexcept {
  struct stat status{};
  if (address.family() != Family::unix_path ||
      ::lstat(std::string(address.bytes()).c_str(), &status) < 0 || !S_ISSOCK(status.st_mode)) {
    return {};
  }
  return {.device = status.st_dev, .inode = status.st_ino};
}

void remove_socket_file(const Address& address, const SocketFile& file) noexcept {
  if (file != SocketFile{} && socket_file(address) == file) {
    ::unlink(std::string(address.bytes()).c_str());
  }
}

bool is_stale(const Address& address) noexcept {
  if (socket_file(address) == SocketFile{}) return false;
  // A listener refuses a datagram socket as one of another type, and does not take it for a client.
  const Descriptor probe = open_socket(SOCK_DGRAM);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, address.bytes().data(), address.bytes().size());
  // Anything else, as no permission, is no proof.
  return probe.is_open() &&
         ::connect(probe.number(), reinterpret_cast<const sockaddr*>(&name), sizeof name) < 0 &&
         errno == ECONNREFUSED;
}

bool remove_stale_file(const Address& address) noexcept {
  const SocketFile file = socket_file(address);
  if (!is_stale(address)) return false;
  remove_socket_file(address, file);
  return true;
}

ReplaceLock::ReplaceLock(const Address& path) noexcept {
  const std::string whole(path.bytes());
  const std::size_t slash = whole.rfind('/');
  const std::string base = slash == std::string::npos ? whole : whole.substr(slash + 1);
  const std::string parent = slash == std::string::npos ? "." : whole.substr(0, slash + 1);
  struct stat directory{};
  if (::stat(parent.c_str(), &directory) < 0) return;  // binding will tell

  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a: the same in every program
  for (const char byte : base) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const int length = std::snprintf(
      name.sun_path + 1, sizeof name.sun_path - 1, "ieum-replace-%llx-%llx-%llx",
      static_cast<unsigned long long>(directory.st_dev),
      static_cast<unsigned long long>(directory.st_ino), static_cast<unsigned long long>(hash));
  socket_ = open_socket(SOCK_STREAM);
  const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 +
                                            static_cast<std::size_t>(length));
  if (!socket_.is_open() ||
      ::bind(socket_.number(), reinterpret_cast<const sockaddr*>(&name), bytes) < 0) {
    error_number_ = errno;
  }
}

}  // namespace ieum::detail
