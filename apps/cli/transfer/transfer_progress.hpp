// TransferProgress: how far a transfer is, on a terminal; what was agreed of each file, on standard
// output; and the summary.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "report/log.hpp"
#include "report/progress.hpp"
#include "transfer/sha256.hpp"

namespace ieum::cli {

class TransferProgress {
 public:
  TransferProgress(Log& log, std::string_view verb);
  TransferProgress(const TransferProgress&) = delete;
  TransferProgress& operator=(const TransferProgress&) = delete;
  ~TransferProgress() = default;

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
  Log& log_;
  std::string_view verb_;
  Progress line_;
  std::string current_;  // the file that the line is about
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::uint64_t moved_ = 0;
  std::uint64_t files_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t failures_ = 0;
};

}  // namespace ieum::cli
