// The command line of the generator.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace bench {

struct LoadOptions {
  std::string_view mode;
  int port = 0;
  int server = 0;  // its process
  int connections = 1;
  int bytes = 64;
  int depth = 1;
  double seconds = 0.5;
  double warmup = 0.05;
  std::int64_t operations = 0;  // if not 0: so many, from the start, instead of seconds
  bool count_calls = false;
  const char* congestion = nullptr;
  const char* path = nullptr;  // of HTTP
};

inline LoadOptions parse_load(int argc, char** argv) {
  const auto refuse = [] {
    std::fputs(
        "usage: load echo|connect|bulk|idle|abort|http|http-idle --port PORT --server PID "
        "[OPTION...]\n"
        "  --connections N  at a time; 1\n"
        "  --bytes N        of a message, at most 65536; 64\n"
        "  --depth N        messages of a connection under way; 1\n"
        "  --seconds S      to measure; 0.5\n"
        "  --warmup S       before; 0.05\n"
        "  --operations N   do so many, without warming up, instead of measuring for S seconds\n"
        "  --congestion C   the congestion control of the connections; the system's\n"
        "  --path PATH      what HTTP is asked for; BYTES is what comes then, at most 1048576\n"
        "  --count-calls    count the server's system calls and its ring's entries\n",
        stderr);
    std::exit(2);
  };
  LoadOptions options;
  if (argc < 2) refuse();
  options.mode = argv[1];
  for (int i = 2; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--count-calls") {
      options.count_calls = true;
      continue;
    }
    if (++i == argc) refuse();
    if (name == "--port") {
      options.port = std::atoi(argv[i]);
    } else if (name == "--server") {
      options.server = std::atoi(argv[i]);
    } else if (name == "--connections") {
      options.connections = std::atoi(argv[i]);
    } else if (name == "--bytes") {
      options.bytes = std::atoi(argv[i]);
    } else if (name == "--depth") {
      options.depth = std::atoi(argv[i]);
    } else if (name == "--seconds") {
      options.seconds = std::atof(argv[i]);
    } else if (name == "--warmup") {
      options.warmup = std::atof(argv[i]);
    } else if (name == "--operations") {
      options.operations = std::atoll(argv[i]);
    } else if (name == "--congestion") {
      options.congestion = argv[i];
    } else if (name == "--path") {
      options.path = argv[i];
    } else {
      refuse();
    }
  }
  const int bytes_max = options.path != nullptr ? 1 << 20 : 65536;
  if (options.port <= 0 || options.server <= 0 || options.connections <= 0 || options.depth <= 0 ||
      options.bytes <= 0 || options.bytes > bytes_max ||
      options.mode.starts_with("http") != (options.path != nullptr)) {
    refuse();
  }
  return options;
}

}  // namespace bench
