// Config: what the hub is told by its configuration file and its flags.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "irc/limits.hpp"

namespace ieum::hub {

struct Config {
  std::string name = "hub.localhost";  // of the server, as clients see it
  std::string network = "ieum";
  std::vector<std::string> listen{"127.0.0.1:6667"};
  std::vector<std::string> listen_tls{"127.0.0.1:6697"};
  std::vector<std::string> listen_http{"127.0.0.1:8080"};  // the page
  std::vector<std::string> listen_https;
  std::vector<std::string> listen_metrics;
  std::vector<std::string> hosts;  // names that the page is asked for by, besides `name`
  std::string certificate;         // empty: one is made, and kept beside the data
  std::string key;
  std::string data = "ieum-hub-data";  // a directory; "memory": nothing is kept
  std::string motd;                    // a file
  std::string password;                // that clients must give (PASS); empty: none
  std::vector<std::string> operators;  // accounts that may OPER
  std::vector<std::string> proxies;    // addresses whose connections are not of their own machine
  bool log_json = false;
  std::size_t cores = 0;  // 0: all

  std::size_t clients = limits::clients;
  std::size_t connections_per_address = limits::connections_per_address;
  std::size_t burst_lines = limits::burst_lines;
  std::size_t lines_per_second = limits::lines_per_second;  // 0: as many as they like
  std::size_t rooms_per_client = limits::rooms_per_client;
  std::size_t queue_bytes = limits::queue_bytes;
  std::chrono::milliseconds gather{0};  // how long lines wait for others, for one write of all
  std::chrono::milliseconds registration_time = limits::registration_time;
  std::chrono::milliseconds ping_after = limits::ping_after;
  std::chrono::milliseconds ping_timeout = limits::ping_timeout;
  std::chrono::milliseconds linger = limits::linger;
  std::chrono::milliseconds drain_time = limits::drain_time;
  std::chrono::hours keep_age{24 * 365};
  std::size_t keep_count = 1'000'000;
};

using SharedConfig = std::shared_ptr<const Config>;

}  // namespace ieum::hub
