// `ieum-hub load`: many clients that talk, how long it takes, and whether anything was lost.
#pragma once

#include <string>
#include <vector>

namespace ieum::hub {

/// Gives the exit status: 0 only if every acknowledged message came to every member once, in order.
int load_program(std::vector<std::string> words);

}  // namespace ieum::hub
