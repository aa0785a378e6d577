// What `ieum send` and `ieum recv` share: how they find each other, and how either ends.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/task.hpp>

#include "relay/relay.hpp"
#include "report/event_log.hpp"
#include "transfer/frames.hpp"

namespace ieum::cli {

inline constexpr std::string_view transfer_version = "ieum transfer 1";

struct TransferCommand {
  CommonOptions common;
  std::string_view other{};          ///< the command at the other end: "ieum recv"
  std::string_view other_option{};   ///< of that: where we are
  std::string_view other_words{};    ///< what that takes besides
  RelayEnd peer;                     ///< to connect to, or to listen for
  std::vector<std::string> paths{};  ///< send: files and folders
  std::string folder = ".";          ///< recv: where to put them
  bool overwrites = false;           ///< recv
};

/// Talks with a peer that has said hello; gives what went wrong, or nothing. May fail, as a broken
/// connection does.
using Talk = std::function<Task<std::optional<Failure>>(Frames& frames)>;

/// Connects, or listens until one comes that says hello, lets `talk` do its part, and gives the
/// exit status.
[[nodiscard]] Task<int> run_transfer(const TransferCommand& command, Talk talk, Log& log);

/// The option that says where the other is, `name`, and its reading; "" if it is not given.
[[nodiscard]] Parsed<TransferCommand> read_transfer(const GivenOptions& given,
                                                    std::string_view name, std::string otherwise,
                                                    const Environment& environment);

}  // namespace ieum::cli
