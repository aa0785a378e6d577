// Answer: what a server has answered a message of the load with.
#pragma once

#include <cstdint>

namespace ieum::cli {

struct Answer {
  std::uint64_t number = 0;  ///< of a datagram: the message that it answers
  std::uint64_t bytes = 0;   ///< without what the protocol adds
  int status = 0;            ///< of HTTP
};

}  // namespace ieum::cli
