// TerminalEnd: a terminal or a serial line, or a pseudo-terminal that other programs open, as an
// end.
#pragma once

#include <termios.h>

#include <memory>
#include <optional>
#include <string>

#include <ieum/descriptor.hpp>
#include <ieum/descriptor_stream.hpp>

#include "ends/end.hpp"
#include "ends/pseudo_terminal.hpp"

namespace ieum::cli {

struct TerminalOptions {
  std::string path;  ///< of the device; of a pseudo-terminal, the link to be made to it
  bool raw = true;   ///< every byte passes as it is
  int speed = 0;     ///< in bits a second; 0: as it is
};

/// Whether a terminal can have this speed.
[[nodiscard]] bool is_terminal_speed(int bits_a_second) noexcept;

class TerminalEnd final : public End {
 public:
  /// A device, whose settings are those that it had before once this is closed. Errors: those of
  /// open(2); `inappropriate_io_control_operation`, of what is no terminal.
  [[nodiscard]] static Result<std::unique_ptr<TerminalEnd>> open(const TerminalOptions& options);
  /// A new pseudo-terminal. The link goes when this is closed. Errors: `file_exists`.
  [[nodiscard]] static Result<std::unique_ptr<TerminalEnd>> make(const TerminalOptions& options);
  ~TerminalEnd() override;

  Task<std::optional<std::size_t>> read(std::span<std::byte> into) override;
  Task<std::optional<std::size_t>> write(ConstBuffer data) override;
  Task<bool> finish() override { co_return false; }
  Task<> close() override;
  [[nodiscard]] bool has_end() const noexcept override { return false; }

 private:
  TerminalEnd() = default;
  [[nodiscard]] Result<> open_streams(int descriptor);
  void restore() noexcept;

  Descriptor device_;
  std::optional<termios> former_;
  PseudoTerminal made_;
  std::string link_;  // ours, to be removed
  std::optional<DescriptorStream> input_;
  std::optional<DescriptorStream> output_;
};

}  // namespace ieum::cli
