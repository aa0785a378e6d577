// What the WebSocket servers of the benchmark share beyond bench/servers/server.hpp: the modes.
//
//   SERVER echo|fanout|deflate
//
// echo: a message comes back to who sent it. fanout: it goes to all who are connected. deflate: as
// echo, with permessage-deflate if the client offers it.
#pragma once

#include <sys/prctl.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "servers/server.hpp"

namespace bench {

enum class WebSocketMode : std::uint8_t { echo, fanout, deflate };

inline WebSocketMode parse_websocket(int argc, char** argv) {
  const std::string_view mode = argc == 2 ? argv[1] : "";
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (mode == "echo") return WebSocketMode::echo;
  if (mode == "fanout") return WebSocketMode::fanout;
  if (mode == "deflate") return WebSocketMode::deflate;
  std::fprintf(stderr, "usage: %s echo|fanout|deflate\n", argv[0]);
  std::exit(2);
}

}  // namespace bench
