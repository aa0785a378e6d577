// Frames: the messages between `ieum send` and `ieum recv`; docs/transfer.md describes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ends/end.hpp"
#include "report/event_log.hpp"
#include "transfer/sha256.hpp"

namespace ieum::cli {

enum class FrameType : char {
  hello = 'H',    ///< both: the version
  entry = 'F',    ///< sender: a file or a folder
  answer = 'A',   ///< receiver: what it has of it
  begin = 'B',    ///< sender: the bytes from an offset on follow
  data = 'D',     ///< sender: bytes of the file
  end = 'E',      ///< sender: the file's hash
  same = 'M',     ///< sender: what the receiver has is the file; its hash
  leave = 'N',    ///< sender: what the receiver has stays as it is; nothing follows
  changed = 'V',  ///< sender: the file changed; what came of it is worth nothing
  kept = 'K',     ///< receiver: it is on the disk; its hash
  refused = 'X',  ///< receiver: this file is not there; why, as a sentence
  failed = 'Z',   ///< both: all is over; why
  done = 'Q',     ///< both: all has been said
};

/// A message in the making.
class PayloadWriter {
 public:
  PayloadWriter& number(std::uint64_t value);
  PayloadWriter& byte(char value);
  PayloadWriter& digest(const Sha256::Digest& value);
  PayloadWriter& text(std::string_view value);
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};

/// Reads what `PayloadWriter` wrote; what is missing is nothing, and `is_good` tells.
class PayloadReader {
 public:
  explicit PayloadReader(std::string_view bytes) noexcept : rest_(bytes) {}
  [[nodiscard]] std::uint64_t number() noexcept;
  [[nodiscard]] char byte() noexcept;
  [[nodiscard]] Sha256::Digest digest() noexcept;
  [[nodiscard]] std::string_view rest() noexcept { return rest_; }
  [[nodiscard]] bool is_good() const noexcept { return good_; }

 private:
  [[nodiscard]] std::string_view take(std::size_t count) noexcept;
  std::string_view rest_;
  bool good_ = true;
};

class Frames {
 public:
  /// Of data in one message, and of all else.
  static constexpr std::size_t data_bytes_max = std::size_t{256} * 1024;
  static constexpr std::size_t payload_bytes_max = std::size_t{16} * 1024;

  /// `events` counts the bytes.
  Frames(End& peer, EventLog& events) : peer_(peer), events_(events) {}

  struct Frame {
    FrameType type = FrameType::failed;
    std::vector<std::byte> payload{};
    [[nodiscard]] std::string_view text() const noexcept {
      return {reinterpret_cast<const char*>(payload.data()), payload.size()};
    }
  };
  /// The next message. Errors: `Errc::end_of_stream`; `protocol_error`, of what is no message or
  /// was damaged on the way.
  [[nodiscard]] Task<Frame> next();
  /// What has come, as long as that is little: of whoever sends no messages.
  [[nodiscard]] std::string_view beginning() const noexcept {
    return {reinterpret_cast<const char*>(read_ahead_.data()), read_ahead_.size()};
  }
  [[nodiscard]] Task<> send(FrameType type, std::string_view payload);
  /// Data, in front of which there is `head_bytes` of room for what goes before it.
  static constexpr std::size_t head_bytes = 5;
  [[nodiscard]] Task<> send_data(std::span<std::byte> head_and_data);

 private:
  [[nodiscard]] Task<> fill(std::span<std::byte> into);
  [[nodiscard]] Task<> write_all(ConstBuffer data);

  End& peer_;
  EventLog& events_;
  std::vector<std::byte> read_ahead_;
  std::vector<std::byte> next_;
  std::size_t used_ = 0;  // of what was read ahead
};

}  // namespace ieum::cli
