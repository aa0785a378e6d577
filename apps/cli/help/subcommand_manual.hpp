// Manuals made of the table of subcommands: the same for `--help` and for man pages.
#pragma once

#include "subcommand.hpp"

namespace ieum::cli {

[[nodiscard]] Manual manual_of(const Subcommand& subcommand);
/// Of `ieum` itself.
[[nodiscard]] Manual main_manual();

}  // namespace ieum::cli
