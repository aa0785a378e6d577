// What is read of a traced process: its memory, its descriptors, its names.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ieum/address.hpp>
#include <ieum/descriptor.hpp>

namespace ieum::cli::trace {

/// All of it, or false.
bool read_memory(int pid, std::uint64_t address, void* to, std::size_t bytes);
/// As much as can be read of it.
[[nodiscard]] std::string read_bytes(int pid, std::uint64_t address, std::size_t bytes);
template <class T>
[[nodiscard]] std::optional<T> read_value(int pid, std::uint64_t address) {
  T value{};
  if (address == 0 || !read_memory(pid, address, &value, sizeof value)) return {};
  return value;
}

/// The inode of a socket; 0 if the descriptor is none.
[[nodiscard]] std::uint64_t socket_at(int pid, int fd);
/// The first descriptor of the process with this socket, of the first few thousand; -1: none.
[[nodiscard]] int find_descriptor(int pid, std::uint64_t socket);
/// A copy of its descriptor, to ask the socket itself (pidfd_getfd(2)).
[[nodiscard]] Descriptor borrow_descriptor(int pid, int fd);

/// The process that a thread belongs to; the thread itself if that cannot be known.
[[nodiscard]] int process_of(int tid);
[[nodiscard]] std::vector<int> threads_of(int pid);
/// "python3 server.py": a process in a few words.
[[nodiscard]] std::string title_of_process(int pid);

/// IPv4 within IPv6 is IPv4, as which the kernel treats it.
[[nodiscard]] Address to_address(const sockaddr_storage& storage, std::size_t bytes);
/// An address in the memory of a process; empty if it is none.
[[nodiscard]] std::string address_at(int pid, std::uint64_t address, std::size_t bytes);

}  // namespace ieum::cli::trace
