// ClientConnection: a stream to a server, and what has come on it and was not used.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <ieum/lease.hpp>
#include <ieum/stream.hpp>

namespace ieum::http::detail {

class ClientConnection {
 public:
  explicit ClientConnection(std::unique_ptr<Stream> stream) noexcept : stream_(std::move(stream)) {}

  [[nodiscard]] Stream& stream() noexcept { return *stream_; }
  /// Valid until it is used, or more is taken in.
  [[nodiscard]] std::string_view input() const noexcept {
    return used_ < joined_.size() ? std::string_view(joined_).substr(used_) : lease_.text();
  }
  void use(std::size_t count) noexcept {
    if (used_ == joined_.size()) return lease_.remove_prefix(count);
    used_ += count;
    if (used_ < joined_.size()) return;
    joined_.clear();
    used_ = 0;
  }
  /// What has come, behind the input there is.
  void take_in(Lease data) {
    if (input().empty()) {
      lease_ = std::move(data);
      return;
    }
    if (joined_.empty()) {
      joined_ = lease_.text();
      lease_.reset();
    }
    joined_ += data.text();
  }

 private:
  std::unique_ptr<Stream> stream_;
  // Either of them is empty.
  std::string joined_;
  std::size_t used_ = 0;  // of `joined_`
  Lease lease_;
};

}  // namespace ieum::http::detail
