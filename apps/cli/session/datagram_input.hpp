// Datagram input: our standard input, cut into what single datagrams carry.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <ieum/descriptor_stream.hpp>
#include <ieum/task.hpp>

namespace ieum::cli {

/// How our input is cut.
enum class Framing : std::uint8_t {
  reads,  ///< what a read gives
  lines,  ///< each line, with its end
  full,   ///< as full as can be: what is short of that waits for more for `patience`, in vain; of a
          ///< file only the last one is short
};

class DatagramInput {
 public:
  /// What `Framing::full` waits for more before it gives less than `bytes_max`.
  static constexpr Duration patience = std::chrono::milliseconds(50);

  /// Pieces of at most `bytes_max` bytes; those of `Framing::full` that are shorter are still whole
  /// units of `unit_bytes`, but for the very last one.
  DatagramInput(DescriptorStream& input, Framing framing, std::size_t bytes_max,
                std::size_t unit_bytes = 1);

  /// The next piece, valid until the next call; none at the end. May be stopped and called again:
  /// nothing is lost.
  [[nodiscard]] Task<std::optional<ConstBuffer>> next();
  /// Right after `next` gave a piece: that, and of `Framing::full`, if it is a full one, with as
  /// many full ones behind it as have been read already; at most `pieces_max` in all.
  [[nodiscard]] ConstBuffer more(std::size_t pieces_max);
  /// Lines that were longer than a datagram, and so were cut.
  [[nodiscard]] std::uint64_t lines_cut() const noexcept { return lines_cut_; }

 private:
  static constexpr std::size_t room_bytes = std::size_t{256} * 1024;

  [[nodiscard]] ConstBuffer held() const noexcept {
    return ConstBuffer(buffer_).subspan(begin_, end_ - begin_);
  }
  /// How much of what is held is a piece now; 0: not yet.
  [[nodiscard]] std::size_t piece_bytes(bool is_last, bool is_late);
  Task<> read_more();

  DescriptorStream& input_;
  Framing framing_;
  std::size_t bytes_max_;
  std::size_t unit_bytes_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t given_ = 0;  // of what is held, by the last call
  bool ended_ = false;
  bool in_cut_line_ = false;
  std::uint64_t lines_cut_ = 0;
};

}  // namespace ieum::cli
