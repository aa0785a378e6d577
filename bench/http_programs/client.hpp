// What the clients of the HTTP benchmark share: CLIENT URL BYTES CONNECTIONS SECONDS. Each keeps so
// many requests under way, checks every body, and prints what it did and what CPU time that took.
#pragma once

#include <sys/prctl.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "http_programs/pattern.hpp"
#include "load/meter.hpp"

namespace bench {

constexpr double warmup_seconds = 0.05;

class ClientRun {
 public:
  ClientRun(int argc, char** argv) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (argc != 5) {
      std::fprintf(stderr, "usage: %s URL BYTES CONNECTIONS SECONDS\n", argv[0]);
      std::exit(2);
    }
    url = argv[1];
    body = body_of(static_cast<std::size_t>(std::atoi(argv[2])));
    connections = std::atoi(argv[3]);
    const double seconds = std::atof(argv[4]);
    warm_ = nanoseconds(CLOCK_MONOTONIC) + static_cast<std::int64_t>(warmup_seconds * 1e9);
    seconds_ = static_cast<std::int64_t>(seconds * 1e9);
  }

  /// A request has been answered by this body. False: the time is over.
  bool done(const std::string& with) {
    if (with != body) fail("a body is not what it is to be");
    ++operations_;
    const std::int64_t now = nanoseconds(CLOCK_MONOTONIC);
    if (began_ == 0 && now >= warm_) {
      began_ = now;
      operations_ = 0;
      cpu_ = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    }
    if (began_ == 0 || now < began_ + seconds_) return true;
    if (!is_over_) {
      std::printf("{\"operations\": %lld, \"seconds\": %.6f, \"client_cpu_ns\": %lld}\n",
                  static_cast<long long>(operations_), static_cast<double>(now - began_) / 1e9,
                  static_cast<long long>(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_));
      std::fflush(stdout);
    }
    is_over_ = true;
    return false;
  }

  [[noreturn]] static void fail(const char* why) {
    std::fprintf(stderr, "%s\n", why);
    std::exit(1);
  }

  std::string url;
  std::string body;
  int connections = 1;

 private:
  std::int64_t warm_ = 0;
  std::int64_t seconds_ = 0;
  std::int64_t began_ = 0;
  std::int64_t cpu_ = 0;
  std::int64_t operations_ = 0;
  bool is_over_ = false;
};

}  // namespace bench
