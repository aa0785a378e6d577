// End: one of two ends between which bytes are passed on: a connection, a command, a file, a
// terminal, the peer of a socket of datagrams. `pass_between` does the passing.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include <ieum/address.hpp>
#include <ieum/stream.hpp>
#include <ieum/task.hpp>

namespace ieum::cli {

/// At most one read and one write may be pending at a time.
class End {
 public:
  End() noexcept = default;
  End(const End&) = delete;
  End& operator=(const End&) = delete;
  virtual ~End() = default;

  /// Waits for what comes and puts it into `into`; none: its end has come. A datagram, which may be
  /// empty, is one read.
  [[nodiscard]] virtual Task<std::optional<std::size_t>> read(std::span<std::byte> into) = 0;
  /// Passes on a part of `data`, or all, and gives how much. None: it takes nothing more, which is
  /// no error, as of a command that does not read its input.
  [[nodiscard]] virtual Task<std::optional<std::size_t>> write(ConstBuffer data) = 0;
  /// Nothing more will be written. True if that has been told.
  [[nodiscard]] virtual Task<bool> finish() = 0;
  /// Runs beside reading and writing, and is stopped when those are over.
  [[nodiscard]] virtual Task<> accompany() { co_return; }
  /// Its end has been read: true once all is over, whatever the other end still gives; as of a
  /// command, which has ended then.
  [[nodiscard]] virtual Task<bool> is_over() { co_return false; }
  /// It is done with. Errors: what only then is known, as of a file.
  [[nodiscard]] virtual Task<> close() = 0;
  /// The same after a failure: the far end is not to take it for a good end.
  [[nodiscard]] virtual Task<> abort() { return close(); }

  /// It can be read, and written to.
  [[nodiscard]] virtual bool gives() const noexcept { return true; }
  [[nodiscard]] virtual bool takes() const noexcept { return true; }
  /// What it gives has an end, at the latest after `finish`. Datagrams have none, nor a terminal.
  [[nodiscard]] virtual bool has_end() const noexcept { return true; }
  /// What it gives and takes are messages, of at most so many bytes; 0: it is a stream.
  [[nodiscard]] virtual std::size_t message_bytes_max() const noexcept { return 0; }

  /// Of a connection, or of datagrams.
  [[nodiscard]] virtual Address local_address() const { return {}; }
  [[nodiscard]] virtual Address peer_address() const { return {}; }
};

}  // namespace ieum::cli
