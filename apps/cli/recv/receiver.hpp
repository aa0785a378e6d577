// Receiver: the receiving side of a transfer.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <ieum/child_task.hpp>
#include <ieum/group.hpp>

#include "recv/incoming_file.hpp"
#include "transfer/frames.hpp"
#include "transfer/safe_folder.hpp"
#include "transfer/transfer_progress.hpp"

namespace ieum::cli {

class Receiver {
 public:
  /// What is written to the disk at a time, and confirmed together.
  static constexpr std::size_t unconfirmed_files_max = 256;
  static constexpr std::uint64_t unconfirmed_bytes_max = std::uint64_t{64} << 20U;

  Receiver(Frames& frames, const SafeFolder& folder, bool overwrites, Log& log)
      : frames_(frames), folder_(folder), overwrites_(overwrites), progress_(log, "received") {}

  /// Until the sender has sent all, and all is on the disk.
  [[nodiscard]] Task<std::optional<Failure>> run();

 private:
  Task<> receive_all(Group& group);
  Task<bool> take(const Frames::Frame& frame);
  Task<> answer(const Frames::Frame& frame);
  Task<> answer_folder(const std::string& name);
  Task<> answer_file(IncomingFile file);
  Task<> refuse(const std::string& name, const std::string& sentence);
  Task<> give_up(const Error& error);
  Task<> begin(std::uint64_t from);
  Task<> write(Group& group, Frames::Frame frame);
  Task<> end_writing();
  Task<> end(const Sha256::Digest& digest);
  Task<> finish(IncomingFile file);
  Task<> confirm();
  [[nodiscard]] IncomingFile take_current();

  Frames& frames_;
  const SafeFolder& folder_;
  bool overwrites_;
  TransferProgress progress_;
  std::deque<IncomingFile> expected_;              // the first is the one that is coming
  std::optional<ChildTask<std::size_t>> writing_;  // a piece of it, while the next one comes
  std::vector<IncomingFile> finished_;
  std::uint64_t finished_bytes_ = 0;
  std::optional<Failure> failure_;
};

}  // namespace ieum::cli
