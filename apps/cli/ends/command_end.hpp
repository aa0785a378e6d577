// CommandEnd: a command for /bin/sh, on pipes or on a pseudo-terminal, as an end.
#pragma once

#include <memory>
#include <string>

#include <ieum/descriptor_stream.hpp>
#include <ieum/event.hpp>
#include <ieum/process.hpp>

#include "ends/end.hpp"
#include "ends/pseudo_terminal.hpp"
#include "report/event_log.hpp"

namespace ieum::cli {

/// It is over when the command has ended: one that has closed its output may still read. What is
/// left of the command, and of what it started, is ended by `close`.
class CommandEnd final : public End {
 public:
  /// What a command may take to end when the other end has gone.
  static constexpr Duration grace = std::chrono::seconds(1);

  /// `events` gets its start and its end, and must outlive it. IEUM_PEER_ADDRESS and
  /// IEUM_LOCAL_ADDRESS are those of `other`. Errors: those of `Process::start`, as of "start".
  [[nodiscard]] static Task<std::unique_ptr<CommandEnd>> start(const std::string& command,
                                                               bool on_terminal, const End& other,
                                                               EventLog& events);

  Task<std::optional<std::size_t>> read(std::span<std::byte> into) override;
  Task<std::optional<std::size_t>> write(ConstBuffer data) override;
  Task<bool> finish() override;
  Task<> accompany() override;
  Task<bool> is_over() override;
  Task<> close() override;
  Task<> abort() override;

  /// How it ended, once it is closed.
  [[nodiscard]] const ExitStatus& status() const noexcept { return status_; }

 private:
  /// A pseudo-terminal, and both directions of our end of it.
  struct Terminal {
    PseudoTerminal device;
    DescriptorStream input;
    DescriptorStream output;
  };
  CommandEnd(Process process, std::unique_ptr<Terminal> terminal, EventLog& events)
      : process_(std::move(process)), terminal_(std::move(terminal)), events_(events) {}
  [[nodiscard]] static Task<std::unique_ptr<Terminal>> open_terminal();
  [[nodiscard]] Stream& to_command() noexcept;
  [[nodiscard]] Stream& from_command() noexcept;
  [[nodiscard]] bool has_hung_up(const Error& error) const noexcept;

  Process process_;
  std::unique_ptr<Terminal> terminal_;  // or null
  EventLog& events_;
  Event ended_;
  bool is_finished_ = false;  // it was told that nothing more comes
  ExitStatus status_;
};

}  // namespace ieum::cli
