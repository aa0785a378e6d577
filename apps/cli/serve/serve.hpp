// `ieum serve`: the files of a folder, by HTTP.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ieum/task.hpp>

#include "session/common_options.hpp"
#include "subcommand.hpp"

namespace ieum::cli {

struct ServeCommand {
  /// What is of every command; `endpoint` is where to listen.
  CommonOptions common{};
  std::string directory = ".";
  bool lists = true;
  bool is_single_page = false;
  bool allows_other_origins = false;
  bool logs = true;
  std::string upload{};  ///< the folder, within the directory; empty: none is taken
  std::uint64_t upload_bytes_max = std::uint64_t{1} << 30U;
  std::string auth{};  ///< where USER:PASSWORD stands
  std::vector<std::string> hosts{};
  bool has_tls = false;
};

[[nodiscard]] Parsed<ServeCommand> parse_serve(const GivenOptions& given,
                                               const Environment& environment);

/// Serves until it is interrupted; gives the exit status.
[[nodiscard]] Task<int> run_serve(const ServeCommand& command, Log& log);

}  // namespace ieum::cli
