// The record of `ieum bench`: how its command line is read.
#include <array>
#include <charconv>

#include <fmt/format.h>

#include <ieum/http/url.hpp>

#include "bench/bench.hpp"
#include "bench/greeting.hpp"
#include "session/run_session.hpp"
#include "text/suggest.hpp"
#include "text/units.hpp"
#include "tls_layer/tls_contexts.hpp"

namespace ieum::cli {

namespace {

constexpr std::string_view example = "ieum bench http://localhost:8000/";
constexpr std::size_t message_bytes_default = 64;
constexpr std::size_t number_bytes = 8;  // of a datagram

bool is_url(std::string_view address) {
  for (const std::string_view scheme : {"http:", "https:", "ws:", "wss:"}) {
    if (address.starts_with(scheme)) return true;
  }
  return false;
}

std::vector<Conflict> conflicts() {
  std::vector<Conflict> all;
  add_family_conflicts(all);
  all.push_back({.options = {"--connections", "--duration", "--warmup", "--rate", "--depth",
                             "--size", "--answer", "--fresh", "--timeout", "--html", "--json",
                             "--method", "--header", "--insecure", "--pin", "--servername"},
                 .sentence = "{} is for the end that measures, not for --server",
                 .with = {"--server"}});
  all.push_back(
      {.options = {"--self-signed"}, .sentence = "{} is for --server", .without = {"--server"}});
  all.push_back(
      {.options = {"--depth"},
       .sentence = "{} has no effect with --fresh, whose connections carry a message each",
       .with = {"--fresh"}});
  all.push_back({.options = {"--fresh", "--answer"},
                 .sentence = "{} is for connections, which udp:// has not",
                 .schemes = bit(Scheme::udp)});
  return all;
}

/// The schemes of the endpoint that is left after those of the URLs.
std::string check_endpoint(const Endpoint& endpoint, std::string_view address) {
  constexpr std::uint32_t known =
      bit(Scheme::tcp) | bit(Scheme::tls) | bit(Scheme::unix_stream) | bit(Scheme::udp);
  if ((bit(endpoint.scheme) & known) == 0) {
    return fmt::format(
        "{} cannot be measured; it takes tcp://, tls://, unix:, udp://, http://, "
        "https://, ws:// and wss://",
        in_quotes(address));
  }
  if (!endpoint.settings.empty()) {
    return fmt::format("no ?key=value is taken here; write {} alone", in_quotes(endpoint.target));
  }
  return {};
}

/// Gives what is wrong, or nothing.
std::string read_url(const std::string& address, const GivenOptions& given, BenchCommand& command) {
  const Result<http::Url> url = http::Url::parse(address);
  if (!url) return fmt::format("{}: {}", in_quotes(address), url.error().detail());
  Endpoint& endpoint = command.common.endpoint;
  endpoint.scheme = url->is_secure() ? Scheme::tls : Scheme::tcp;
  endpoint.target = fmt::format("{}:{}", url->host(), url->port());
  endpoint.port = url->port();
  if (url->is_secure() && !has_tls()) {
    return "https:// and wss:// are not built into this ieum: its build found no OpenSSL 3";
  }
  BenchTarget& target = command.target;
  const bool is_websocket =
      url->scheme() == http::Url::Scheme::ws || url->scheme() == http::Url::Scheme::wss;
  if (is_websocket && !has_websocket()) {
    return "ws:// and wss:// are not built into this ieum: its build found no zlib";
  }
  target.protocol = is_websocket ? Protocol::websocket : Protocol::http;
  target.host = url->authority();
  target.path = url->target();
  // Of what is no number `read_messages` tells.
  const std::optional<std::uint64_t> answer = parse_bytes(given.text("--answer"));
  if (answer) target.path += fmt::format("{}answer={}", url->query() ? "&" : "?", *answer);
  return {};
}

/// The request of an HTTP load, whole. Gives what is wrong, or nothing.
std::string make_request(const GivenOptions& given, std::size_t content_bytes,
                         BenchCommand& command) {
  BenchTarget& target = command.target;
  const bool has_content = given.has("--size");
  std::string method(given.text("--method"));
  if (method.empty()) method = has_content ? "POST" : "GET";
  const bool is_token =
      method.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == std::string::npos;
  if (!is_token || method == "CONNECT") {
    return fmt::format("--method takes a method of HTTP, as GET, not {}", in_quotes(method));
  }
  target.head_only = method == "HEAD";
  bool has_host = false;
  std::string fields;
  for (const std::string& field : given.texts("--header")) {
    const std::size_t colon = field.find(':');
    if (colon == std::string::npos || colon == 0 ||
        field.find_first_of("\r\n") != std::string::npos) {
      return fmt::format("--header takes 'NAME: VALUE', not {}", in_quotes(field));
    }
    if (field.starts_with("Host:") || field.starts_with("host:")) has_host = true;
    fields.append(field).append("\r\n");
  }
  std::string& message = target.message;
  message = fmt::format("{} {} HTTP/1.1\r\n", method, target.path);
  if (!has_host) message += fmt::format("Host: {}\r\n", target.host);
  message += "User-Agent: ieum-bench\r\n";
  message += fields;
  if (command.load.fresh) message += "Connection: close\r\n";
  if (has_content) message += fmt::format("Content-Length: {}\r\n", content_bytes);
  message += "\r\n";
  if (has_content) message.append(content_bytes, 'x');
  return {};
}

std::string read_size(const GivenOptions& given, std::string_view name, std::size_t& size) {
  if (!given.has(name)) return {};
  const auto bytes = parse_bytes(given.text(name));
  if (!bytes || *bytes == 0 || *bytes > message_bytes_max) {
    return fmt::format("{} takes a number of bytes from 1 to {}, as 64 or 16k, not {}", name,
                       format_bytes(message_bytes_max), in_quotes(given.text(name)));
  }
  size = static_cast<std::size_t>(*bytes);
  return {};
}

/// What is sent, and what is to come. Gives what is wrong, or nothing.
std::string read_messages(const GivenOptions& given, BenchCommand& command) {
  BenchTarget& target = command.target;
  std::size_t size = message_bytes_default;
  std::string wrong = read_size(given, "--size", size);
  std::size_t answer = size;
  if (wrong.empty()) wrong = read_size(given, "--answer", answer);
  if (!wrong.empty()) return wrong;
  if (target.protocol == Protocol::http) {
    if (given.has("--answer")) target.answer_bytes = answer;
    return make_request(given, size, command);
  }
  if (given.has("--method") || given.has("--header")) {
    return fmt::format("{} is for http:// and https://",
                       given.has("--method") ? "--method" : "--header");
  }
  target.message.assign(size, 'x');
  target.answer_bytes = answer;
  if (target.protocol == Protocol::datagrams &&
      (size < number_bytes || size > datagram_bytes_max)) {
    return fmt::format("--size of datagrams is from {}, their number, to {}", number_bytes,
                       datagram_bytes_max);
  }
  if (target.protocol == Protocol::bytes && given.has("--answer")) {
    target.greeting = Greeting{.message_bytes = size, .answer_bytes = answer}.to_string();
  }
  return {};
}

/// Gives what is wrong, or nothing.
std::string read_load(const GivenOptions& given, BenchCommand& command) {
  LoadOptions& load = command.load;
  struct Number {
    std::string_view name;
    std::size_t& value;
    int max;
  };
  std::size_t rate = load.rate;
  for (const auto& [name, value, max] :
       {Number{"--connections", load.connections, connections_max},
        Number{"--depth", load.depth, depth_max}, Number{"--rate", rate, rate_max}}) {
    const Parsed<int> read = read_count(given, name, static_cast<int>(value), max);
    if (!read) return read.error();
    value = static_cast<std::size_t>(*read);
  }
  load.rate = rate;
  load.fresh = given.has("--fresh");
  struct Time {
    std::string_view name;
    Duration& value;
  };
  for (const auto& [name, value] :
       {Time{"--duration", load.duration}, Time{"--warmup", load.warmup},
        Time{"--timeout", load.timeout}}) {
    if (name == "--warmup" && given.text(name) == "0") {
      value = {};
      continue;
    }
    const Parsed<Duration> read = read_duration(given, name, value);
    if (!read) return read.error();
    value = *read;
  }
  constexpr Duration duration_min = std::chrono::milliseconds(100);
  if (load.duration < duration_min) {
    return fmt::format("--duration must be at least {}", format_duration(duration_min));
  }
  return {};
}

/// Where to. Gives what is wrong, or nothing.
std::string read_address(const GivenOptions& given, BenchCommand& command) {
  if (given.words.empty() || given.words.front().empty()) {
    return fmt::format("an address is missing, as in '{}'",
                       command.serves ? "ieum bench --server tcp://:9000" : example);
  }
  command.address = given.words.front();
  if (is_url(command.address)) {
    std::string address = command.address;
    // http://:8080 for all addresses, as elsewhere in `ieum`.
    const std::size_t host = address.find("//") + 2;
    if (address.compare(host, 1, ":") == 0)
      address.insert(host, command.serves ? "*" : "localhost");
    if (address.compare(host, 1, "*") != 0) return read_url(address, given, command);
    address.replace(host, 1, "0.0.0.0");
    std::string wrong = read_url(address, given, command);
    command.common.endpoint.target = fmt::format("*:{}", command.common.endpoint.port);
    return wrong;
  }
  const Role role = command.serves ? Role::listen : Role::connect;
  Parsed<Endpoint> endpoint = read_endpoint(given, role, example);
  if (!endpoint) return endpoint.error();
  command.common.endpoint = *std::move(endpoint);
  BenchTarget& target = command.target;
  if (command.common.endpoint.scheme == Scheme::udp) target.protocol = Protocol::datagrams;
  return check_endpoint(command.common.endpoint, command.address);
}

constexpr std::array hints{
    Hint{"-t", "one core does it all; for a duration write -d TIME"},
    Hint{"--threads", "one core does it all; start several for more"},
    Hint{"-R", "the option is -r,--rate"},
    Hint{"--requests", "it measures for a time: -d TIME"},
    Hint{"-n", "it measures for a time: -d TIME"},
    Hint{"--keepalive", "connections are kept unless --fresh is given"},
    Hint{"--latency", "it is always shown"},
    Hint{"--pipeline", "the option is --depth"},
    Hint{"-s", "to be the other end, write --server; for the size of a message --size BYTES"},
    Hint{"--udp", "write the address as udp://HOST:PORT"},
    Hint{"-u", "write the address as udp://HOST:PORT"},
};

Parsed<Action> parse(const GivenOptions& given, const Environment& environment) {
  Parsed<BenchCommand> command = parse_bench(given, environment);
  if (!command) return UsageError(command.error());
  if (command->serves) return run_on_loop(*std::move(command), run_bench_server);
  return run_on_loop(*std::move(command), run_bench);
}

}  // namespace

Parsed<BenchCommand> parse_bench(const GivenOptions& given, const Environment& environment) {
  BenchCommand command;
  command.serves = given.has("--server");
  CommonOptions& common = command.common;
  std::string wrong = read_address(given, command);
  const Role role = command.serves ? Role::listen : Role::connect;
  std::vector<Conflict> all = conflicts();
  add_tls_conflicts(all, role);
  if (wrong.empty()) wrong = find_conflict(all, given, common.endpoint);
  common.family = read_family(given);
  if (wrong.empty()) wrong = explain_other_family(common.endpoint, common.family);
  if (wrong.empty()) wrong = read_load(given, command);
  if (wrong.empty()) wrong = read_messages(given, command);
  if (!wrong.empty()) return UsageError(std::move(wrong));
  Parsed<TlsSettings> tls = read_tls_options(given, role, common.endpoint);
  if (!tls) return UsageError(tls.error());
  common.tls = *std::move(tls);
  if (command.target.protocol != Protocol::bytes && common.tls.alpn.empty()) {
    common.tls.alpn = "http/1.1";
  }
  common.wait = command.load.timeout;
  common.writes_output = !command.serves;
  common.log = {.json = given.has("--json"), .color = environment.error_color};
  command.json = given.has("--json");
  command.html_path = given.text("--html");
  if (given.has("--html") && command.html_path.empty()) {
    return UsageError("--html takes the name of a file");
  }
  return command;
}

extern const Subcommand bench_subcommand;
const Subcommand bench_subcommand{.name = "bench",
                                  .purpose = "measure a server: how fast, and how long it takes",
                                  .arguments = {.term = "ADDRESS", .max = 1},
                                  .options = bench_options,
                                  .hints = hints,
                                  .manual = bench_manual,
                                  .parse = parse};

}  // namespace ieum::cli
