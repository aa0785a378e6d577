// What `ieum send` and `ieum recv` share: how they find each other, and how either ends.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <ieum/task.hpp>

#include "relay/relay.hpp"
#include "report/event_log.hpp"
#include "transfer/frames.hpp"

namespace ieum::cli {

inline constexpr std::string_view transfer_version = "ieum transfer 1";

struct TransferCommand {
  CommonOptions common;
  RelayEnd peer;                     ///< to connect to, or to listen for
  std::vector<std::string> paths{};  ///< send: files and folders
  std::string folder = ".";          ///< recv: where to put them
  bool overwrites = false;           ///< recv
};

/// Talks with the peer; gives what went wrong, or nothing. May fail, as a broken connection does.
using Talk = std::function<Task<std::optional<Failure>>(Frames& frames, EventLog& events)>;

/// Connects or listens, lets `talk` do its part, and gives the exit status.
[[nodiscard]] Task<int> run_transfer(const TransferCommand& command, Talk talk, Log& log);

/// Says hello, and hears it; what went wrong if the other is none of ours.
[[nodiscard]] Task<std::optional<Failure>> greet(Frames& frames);
/// Why a message could not be read or sent.
[[nodiscard]] Failure explain_transfer(const Error& error);

/// The option that says where the other is, `name`, and its reading; "" if it is not given.
[[nodiscard]] Parsed<TransferCommand> read_transfer(const GivenOptions& given,
                                                    std::string_view name, std::string otherwise,
                                                    const Environment& environment);

}  // namespace ieum::cli
