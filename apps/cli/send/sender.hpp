// Sender: the sending side of a transfer.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <ieum/descriptor.hpp>
#include <ieum/event.hpp>
#include <ieum/group.hpp>
#include <ieum/mailbox.hpp>

#include "send/source_files.hpp"
#include "transfer/frames.hpp"
#include "transfer/transfer_progress.hpp"

namespace ieum::cli {

class Sender {
 public:
  /// Entries that the receiver has been told of, and has not begun.
  static constexpr std::size_t entries_ahead_max = 128;
  /// Pieces of a file that were read, and have not been sent.
  static constexpr std::size_t pieces_ahead_max = 4;

  Sender(Frames& frames, std::vector<std::string> paths, Log& log)
      : frames_(frames), files_(std::move(paths)), progress_(log, "sent") {}

  /// Until the receiver has confirmed all, or said why not.
  [[nodiscard]] Task<std::optional<Failure>> run();

 private:
  struct Answer {
    char state = 0;
    std::uint64_t offset = 0;
    Sha256::Digest digest{};
    std::string sentence;
  };
  /// Sent, and not confirmed.
  struct Sent {
    std::string name;
    Sha256::Digest digest;
    std::uint64_t size;
  };
  using Piece = std::vector<std::byte>;

  Task<> talk(Group& group);
  Task<> hear(Group& group);
  Task<bool> take(const Frames::Frame& frame);
  Task<> send_all();
  Task<> announce();
  Task<Answer> next_answer();
  Task<> serve(const SourceFile& file, const Answer& answer);
  Task<> send_file(const SourceFile& file, const Answer& answer, Descriptor opened);
  Task<bool> hash_prefix(int number, std::uint64_t size, Sha256& hash);
  Task<bool> send_bytes(const SourceFile& file, int number, std::uint64_t from, Sha256& hash);
  Task<> read_pieces(int number, std::uint64_t from, std::uint64_t size, Sha256& hash,
                     MailboxSender<Piece> to);
  Task<> write_pieces(const SourceFile& file, std::uint64_t from, Mailbox<Piece>& pieces,
                      bool& whole);

  Frames& frames_;
  SourceFiles files_;
  TransferProgress progress_;
  std::deque<SourceFile> ahead_;
  std::deque<Answer> answers_;
  std::deque<Sent> sent_;
  Event heard_;
  bool all_announced_ = false;
  bool all_confirmed_ = false;
  std::optional<Failure> failure_;
};

}  // namespace ieum::cli
