// DatagramCore: what a datagram socket and the operations on it share.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include <ieum/datagram.hpp>
#include <ieum/datagram_batch.hpp>
#include <ieum/detail/socket_file.hpp>

#pragma GCC visibility push(default)
namespace ieum::detail {

class Loop;

/// Lives as long as the socket or an operation on it, whichever ends later: an operation ends after
/// its socket if that is destroyed meanwhile. Belongs to one thread.
struct DatagramCore {
  /// What a single receive found joined to its datagram.
  struct Joined {
    DatagramBatch batch{1};
    std::size_t next = 0;
    [[nodiscard]] bool has_more() const noexcept { return next < batch.size(); }
  };

  DatagramCore(Loop& on, int with_handle, Family family) noexcept : loop(&on), handle(with_handle) {
    state.family = family;
  }
  [[nodiscard]] bool is_unix() const noexcept {
    return state.family == Family::unix_path || state.family == Family::unix_abstract;
  }

  Loop* loop;
  int handle;  ///< -1: closed
  bool ipv6_only = false;
  bool segmentation = false;  ///< not tried yet
  bool joins = false;         ///< the system may give several as one
  unsigned references = 0;
  DatagramState state;
  Address peer;
  SocketFile file;  ///< to remove with the socket
  std::unique_ptr<Joined> joined;
};

/// Of a socket without a core.
inline constexpr Address nobodys_address{};

/// One of those that keep a core alive; or none.
class DatagramCoreRef {
 public:
  DatagramCoreRef() noexcept = default;
  explicit DatagramCoreRef(DatagramCore* core) noexcept : core_(core) { retain(); }
  DatagramCoreRef(const DatagramCoreRef& other) noexcept : core_(other.core_) { retain(); }
  DatagramCoreRef(DatagramCoreRef&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  DatagramCoreRef& operator=(DatagramCoreRef other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~DatagramCoreRef() {
    if (core_ != nullptr && --core_->references == 0) delete core_;
  }

  DatagramCore* operator->() const noexcept { return core_; }
  DatagramCore& operator*() const noexcept { return *core_; }
  explicit operator bool() const noexcept { return core_ != nullptr; }

 private:
  void retain() const noexcept {
    if (core_ != nullptr) ++core_->references;
  }
  DatagramCore* core_ = nullptr;
};

}  // namespace ieum::detail
#pragma GCC visibility pop
