// TransferProgress: how far a transfer is and how fast, on a terminal; what was agreed of each
// file, on standard output; and the summary.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "report/log.hpp"
#include "transfer/sha256.hpp"

namespace ieum::cli {

class TransferProgress {
 public:
  TransferProgress(Log& log, std::string_view verb);
  ~TransferProgress();
  TransferProgress(const TransferProgress&) = delete;
  TransferProgress& operator=(const TransferProgress&) = delete;

  /// `done` of the `size` bytes of the file are there.
  void moved(std::string_view name, std::uint64_t done, std::uint64_t size, std::size_t bytes);
  /// Both sides have the same hash, and it is on the other's disk, or ours: a line as sha256sum(1)
  /// writes and checks it.
  void agreed(std::string_view name, const Sha256::Digest& digest, std::uint64_t size);
  /// A file that is not there as it was to be.
  void failed(std::string_view name, std::string_view why);
  void summarize();
  [[nodiscard]] bool has_failures() const noexcept { return failures_ > 0; }

 private:
  void clear_line();

  Log& log_;
  std::string_view verb_;
  bool shows_;
  bool has_line_ = false;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point shown_at_ = began_;
  std::uint64_t moved_ = 0;
  std::uint64_t moved_when_shown_ = 0;
  std::uint64_t files_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t failures_ = 0;
};

}  // namespace ieum::cli
