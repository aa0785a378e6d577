// Reads the command line of `ieum get`.
#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include <ieum/http/form.hpp>
#include <ieum/http/method.hpp>

#include "get/get.hpp"
#include "session/run_session.hpp"
#include "text/suggest.hpp"

namespace ieum::cli {

namespace {

constexpr int retries_max = 1'000'000;
constexpr int redirects_max = 100;

/// `example.com`, `:8080/x` and `http://…` as a whole URL.
Parsed<std::string> read_url(const std::string& word) {
  if (word.empty()) return UsageError("a URL must not be empty; write https://HOST/PATH");
  std::string text = word;
  if (!text.contains("://")) {
    if (text.starts_with("unix:")) {
      return UsageError(fmt::format("for a Unix socket, write '--via {} http://HOST/PATH'", word));
    }
    if (text.starts_with(':')) text.insert(0, "localhost");
    text.insert(0, "http://");
  }
  const Result<http::Url> url = http::Url::parse(text);
  if (!url) {
    return UsageError(fmt::format("{} is no URL: {}", in_quotes(word), url.error().detail()));
  }
  if (url->scheme() == http::Url::Scheme::ws || url->scheme() == http::Url::Scheme::wss) {
    return UsageError("only http:// and https:// can be asked");
  }
  if (!url->password().empty()) {
    // Not in quotes: it is a secret.
    return UsageError(
        "everyone on this machine sees the password on a command line: put USER:PASSWORD into a "
        "file for --auth, or into the environment for --auth env:NAME");
  }
  return url->to_string();
}

/// Gives what is wrong, or nothing.
std::string read_urls(const GivenOptions& given, GetCommand& command) {
  if (given.words.empty()) return "a URL is missing, as in 'ieum get https://example.com'";
  for (const std::string& word : given.words) {
    Parsed<std::string> url = read_url(word);
    if (!url) return url.error();
    command.urls.push_back(*std::move(url));
  }
  return {};
}

std::string check_header(const std::string& text) {
  if (text.starts_with('@')) return text.size() > 1 ? "" : "-H @FILE takes the name of a file";
  const std::size_t colon = text.find(':');
  const std::string_view name = std::string_view(text).substr(0, colon);
  http::Fields fields;
  if (colon == std::string::npos) {
    return fmt::format("-H takes 'NAME: VALUE', not {}", in_quotes(text));
  }
  if (text.find_first_of("\r\n") != std::string::npos) {
    return fmt::format("-H {}: a line end in it would make another field of the rest",
                       in_quotes(name));
  }
  if (!fields.add(name, std::string_view(text).substr(colon + 1))) {
    return fmt::format("-H takes 'NAME: VALUE', not {}", in_quotes(text));
  }
  return {};
}

std::string read_headers(const GivenOptions& given, GetCommand& command) {
  command.headers = given.texts("--header");
  for (const std::string& one : command.headers) {
    std::string wrong = check_header(one);
    if (!wrong.empty()) return wrong;
  }
  return {};
}

std::string read_content(const GivenOptions& given, GetCommand& command) {
  constexpr std::array<std::string_view, 4> kinds = {"--data", "--json", "--form", "--upload"};
  const std::string_view first = given.first_of(kinds);
  for (const std::string_view other : kinds) {
    if (other != first && given.has(other)) {
      return fmt::format("a request has one content: {} and {} are mutually exclusive", first,
                         other);
    }
  }
  if (given.has("--multipart") && first != "--form") return "--multipart requires -F";
  if (given.has("--type") && first != "--data" && first != "--upload") {
    return "--type says what the content of -d or -T is";
  }
  command.type = given.text("--type");
  command.multipart = given.has("--multipart");
  if (first.empty()) return {};
  command.body = given.text(first);
  command.body_kind = first == "--data"   ? BodyKind::data
                      : first == "--json" ? BodyKind::json
                      : first == "--form" ? BodyKind::form
                                          : BodyKind::upload;
  if (command.body_kind == BodyKind::upload && command.body.empty()) {
    return "-T takes the name of a file";
  }
  if (command.body == "@") return fmt::format("{} @FILE takes the name of a file", first);
  if (command.body_kind == BodyKind::form) command.form = given.texts("--form");
  if (given.has("--head")) return fmt::format("-I asks for a head, and {} sends a content", first);
  return {};
}

/// -F and --query.
std::string check_pairs(const GivenOptions& given, GetCommand& command) {
  command.query = given.texts("--query");
  for (const std::string_view option : {"--form", "--query"}) {
    for (const std::string& pair : given.texts(option)) {
      if (pair.find('=') == std::string::npos || pair.starts_with('=')) {
        return fmt::format("{} takes NAME=VALUE, not {}", option, in_quotes(pair));
      }
    }
  }
  return {};
}

std::string read_request(const GivenOptions& given, GetCommand& command) {
  if (given.has("--method")) {
    command.method = given.text("--method");
    const bool is_token =
        !command.method.empty() &&
        std::ranges::all_of(command.method, [](char c) { return c > ' ' && c < 0x7f; });
    if (!is_token || command.method.find_first_of("()<>@,;:\\\"/[]?={}") != std::string::npos) {
      return fmt::format("-X takes a method, as DELETE, not {}", in_quotes(command.method));
    }
    if (given.has("--head")) return "-X and -I are mutually exclusive";
    std::string upper = command.method;
    std::ranges::transform(upper, upper.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    if (upper != command.method && http::method_of(upper) != http::Method::other) {
      return fmt::format("methods are written in capitals: -X {}", upper);
    }
    if (command.method == "CONNECT") return "CONNECT is for proxies; see --proxy";
  }
  std::string wrong = read_headers(given, command);
  if (wrong.empty()) wrong = read_content(given, command);
  if (wrong.empty()) wrong = check_pairs(given, command);
  if (!wrong.empty()) return wrong;
  if (given.has("--auth") && given.has("--bearer")) {
    return "--auth and --bearer are mutually exclusive";
  }
  for (const std::string_view option : {"--auth", "--bearer"}) {
    if (given.has(option) && (given.text(option).empty() || given.text(option) == "env:")) {
      return fmt::format("{} takes the name of a file, or env:NAME", option);
    }
  }
  command.basic = given.text("--auth");
  command.bearer = given.text("--bearer");
  return {};
}

bool is_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos || text.size() == 1) return false;
  const auto read = [](std::string_view digits) -> std::optional<std::uint64_t> {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return number;
  };
  const std::optional<std::uint64_t> first = read(text.substr(0, dash));
  const std::optional<std::uint64_t> last = read(text.substr(dash + 1));
  if (dash == 0) return last && *last > 0;
  if (dash + 1 == text.size()) return first.has_value();
  return first && last && *first <= *last;
}

/// How the options of the output fit each other.
std::string check_output(const GivenOptions& given, const GetCommand& command) {
  const bool to_file = command.by_name || !command.common.output_path.empty();
  if (command.by_name && given.has("--output")) return "-o and -O are mutually exclusive";
  if (!command.common.output_path.empty() && command.urls.size() > 1) {
    return "-o takes the body of one URL; -O saves each by its own name";
  }
  for (const std::string_view option : {"--dir", "--overwrite"}) {
    if (given.has(option) && !command.by_name) return fmt::format("{} requires -O", option);
  }
  if (command.resumes && !to_file) return "--resume requires -o or -O";
  if (command.resumes && given.has("--range")) return "--resume and -r are mutually exclusive";
  if (given.has("--range") && !is_range(command.range)) {
    return fmt::format("-r takes 0-99, 100- or -100, not {}", in_quotes(command.range));
  }
  if (command.events != EventForm::none &&
      (command.by_name || given.has("--print") || given.has("--head") || given.has("--range"))) {
    return "--events writes events; it cannot be combined with -O, -I, -r and --print";
  }
  if (to_file && command.shown == Shown::all) return "--print all writes to standard output alone";
  return {};
}

std::string read_output_of_get(const GivenOptions& given, const Environment& environment,
                               GetCommand& command) {
  if (given.has("--output") && given.text("--output").empty()) return "-o takes the name of a file";
  if (given.text("--output") != "-") command.common.output_path = given.text("--output");
  command.by_name = given.has("--save");
  command.directory = given.text("--dir");
  if (given.has("--dir") && command.directory.empty()) return "--dir takes the name of a folder";
  command.overwrites = given.has("--overwrite");
  command.resumes = given.has("--resume");
  command.range = given.text("--range");
  command.takes_any_status = given.has("--any-status");
  command.shows_progress = !given.has("--quiet");
  command.shows_timing = given.has("--timing");
  const std::string_view shown = given.text("--print");
  if (given.has("--head")) command.shown = Shown::head;
  if (shown == "head") command.shown = Shown::head;
  if (shown == "all") command.shown = Shown::all;
  if (shown == "status") command.shown = Shown::status;
  if (given.has("--print") && shown != "body" && command.shown == Shown::body) {
    return fmt::format("--print takes body, head, all or status, not {}", in_quotes(shown));
  }
  const std::string_view events = given.text("--events");
  if (events == "data") command.events = EventForm::data;
  if (events == "json") command.events = EventForm::json;
  if (given.has("--events") && command.events == EventForm::none) {
    return fmt::format("--events takes data or json, not {}", in_quotes(events));
  }
  command.common.log = {.verbosity = std::min(given.count("--verbose"), 2),
                        .json = given.has("--json-log"),
                        .color = environment.error_color};
  return check_output(given, command);
}

std::string read_times(const GivenOptions& given, GetCommand& command) {
  struct Time {
    std::string_view name;
    Duration& value;
  };
  const Duration idle = command.events == EventForm::none ? std::chrono::seconds(60) : Duration{};
  command.common.session.idle = idle;
  command.common.wait = std::chrono::seconds(15);
  for (const auto& [name, value] :
       {Time{"--wait", command.common.wait}, Time{"--idle", command.common.session.idle},
        Time{"--deadline", command.deadline}}) {
    const Parsed<Duration> read = read_duration(given, name, value);
    if (!read) return read.error();
    value = *read;
  }
  const Parsed<int> retries = read_count(given, "--retry", 0, retries_max);
  if (!retries) return retries.error();
  command.retries = *retries;
  if (given.text("--redirects") == "0") return {};
  const Parsed<int> redirects = read_count(given, "--redirects", 10, redirects_max);
  if (!redirects) return redirects.error() + ", or 0";
  command.redirects = *redirects;
  return {};
}

std::string read_proxy_of_get(const GivenOptions& given, GetCommand& command) {
  if (given.has("--proxy-auth") && !given.has("--proxy")) return "--proxy-auth requires --proxy";
  if (!given.has("--proxy")) return {};
  if (given.has("--via")) return "--proxy and --via are mutually exclusive";
  Parsed<Proxy> proxy = parse_proxy(given.text("--proxy"));
  if (!proxy) return proxy.error();
  command.proxy = *std::move(proxy);
  if (given.has("--proxy-auth") && given.text("--proxy-auth").empty()) {
    return "--proxy-auth takes the name of a file";
  }
  command.proxy->credentials_path = given.text("--proxy-auth");
  return {};
}

std::string read_way(const GivenOptions& given, GetCommand& command) {
  std::string wrong = read_proxy_of_get(given, command);
  if (!wrong.empty()) return wrong;
  command.via = given.text("--via");
  if (given.has("--via")) {
    const Result<Address> address = Address::parse(command.via);
    if (!address || (address->is_ip() && address->port() == 0)) {
      return fmt::format("--via takes unix:/PATH or IP:PORT, not {}", in_quotes(command.via));
    }
  }
  command.hosts = given.texts("--resolve");
  for (const std::string& one : command.hosts) {
    const Parsed<PlaceOfHost> place = parse_place(one);
    if (!place) return place.error();
  }
  if (given.has("-4") && given.has("-6")) return "-4 and -6 are mutually exclusive";
  command.common.family = read_family(given);
  if (given.has("--source")) {
    const Parsed<Address> source = parse_source(given.text("--source"));
    if (!source) return source.error();
    command.source = *source;
    if (command.common.family == Family::none) command.common.family = source->family();
    if (command.common.family != source->family()) {
      return "--source is of another family than -4 or -6 asks for";
    }
  }
  return {};
}

std::string read_tls(const GivenOptions& given, GetCommand& command) {
  Endpoint endpoint{.scheme = Scheme::tls};
  std::vector<Conflict> conflicts;
  add_tls_conflicts(conflicts, Role::connect);
  std::string wrong = find_conflict(conflicts, given, endpoint);
  if (!wrong.empty()) return wrong;
  Parsed<TlsSettings> tls = read_tls_options(given, Role::connect, endpoint);
  if (!tls) return tls.error();
  command.tls = *std::move(tls);
  command.tls.alpn = "http/1.1";
  return {};
}

constexpr std::array hints{
    Hint{"-L", "it is not needed: redirects are followed; see --redirects"},
    Hint{"--location", "it is not needed: redirects are followed; see --redirects"},
    Hint{"-k", "the option is --insecure, and --ca or --pin are safer"},
    Hint{"-u", "put USER:PASSWORD into a file for --auth, or use --auth env:NAME"},
    Hint{"--user", "put USER:PASSWORD into a file for --auth, or use --auth env:NAME"},
    Hint{"--oauth2-bearer", "use --bearer FILE or --bearer env:NAME"},
    Hint{"-f", "it is not needed: an HTTP error is status 22; see --any-status"},
    Hint{"--fail", "it is not needed: an HTTP error is status 22; see --any-status"},
    Hint{"-s", "it is not needed: nothing but errors is said; on a terminal, -q"},
    Hint{"-i", "use --print all"},
    Hint{"-S", "it is not needed: errors are always reported"},
    Hint{"--silent", "use -q; errors are always reported"},
    Hint{"-N", "it is not needed: what comes is written at once"},
    Hint{"-A", "write -H 'User-Agent: NAME'"},
    Hint{"--user-agent", "write -H 'User-Agent: NAME'"},
    Hint{"-e", "write -H 'Referer: URL'"},
    Hint{"-b", "write -H 'Cookie: NAME=VALUE'"},
    Hint{"--cookie", "write -H 'Cookie: NAME=VALUE'"},
    Hint{"-G", "use --query NAME=VALUE"},
    Hint{"--get", "use --query NAME=VALUE"},
    Hint{"--data-binary", "use -d, which changes nothing"},
    Hint{"--data-raw", "use -d; only a leading @ has a meaning"},
    Hint{"--data-urlencode", "use -F NAME=VALUE, or --query NAME=VALUE"},
    Hint{"--upload-file", "the option is -T or --upload"},
    Hint{"--request", "the option is -X or --method"},
    Hint{"-C", "use --resume"},
    Hint{"--continue-at", "use --resume"},
    Hint{"--remote-name", "the option is -O or --save"},
    Hint{"--output-dir", "the option is --dir"},
    Hint{"--compressed", "it is not needed: coded answers are decoded"},
    Hint{"--include", "use --print all"},
    Hint{"-D", "use --print head"},
    Hint{"-m", "use --deadline TIME"},
    Hint{"--max-time", "use --deadline TIME"},
    Hint{"--connect-timeout", "use -w TIME"},
    Hint{"-x", "use --proxy http://HOST:PORT"},
    Hint{"-U", "use --proxy-auth FILE"},
    Hint{"--unix-socket", "use --via unix:/PATH"},
    Hint{"--connect-to", "use --resolve HOST:PORT:IP"},
    Hint{"--cacert", "the option is --ca"},
    Hint{"--pinnedpubkey", "the option is --pin"},
    Hint{"--write-out", "use --print status, --timing or --json-log"},
    Hint{"--max-redirs", "the option is --redirects"},
    Hint{"--interface", "use --source ADDRESS"},
    Hint{"-c", "cookies are not kept: write -H 'Cookie: NAME=VALUE'"},
    Hint{"-Z", "URLs are asked for one after the other"},
};

Parsed<Action> parse(const GivenOptions& given, const Environment& environment) {
  Parsed<GetCommand> command = parse_get(given, environment);
  if (!command) return UsageError(command.error());
  return run_on_loop(*std::move(command), run_get);
}

}  // namespace

Parsed<GetCommand> parse_get(const GivenOptions& given, const Environment& environment) {
  GetCommand command;
  std::string wrong = read_urls(given, command);
  if (wrong.empty()) wrong = read_request(given, command);
  if (wrong.empty()) wrong = read_output_of_get(given, environment, command);
  if (wrong.empty()) wrong = read_times(given, command);
  if (wrong.empty()) wrong = read_way(given, command);
  if (wrong.empty()) wrong = read_tls(given, command);
  if (!wrong.empty()) return UsageError(std::move(wrong));
  command.common.writes_output = command.common.output_path.empty() && !command.by_name;
  return command;
}

Parsed<PlaceOfHost> parse_place(std::string_view text) {
  const auto refuse = [text] {
    return UsageError(fmt::format(
        "--resolve takes HOST:PORT:IP, as example.com:443:192.0.2.7, not {}", in_quotes(text)));
  };
  const std::size_t host_end = text.find(':');
  if (host_end == std::string_view::npos || host_end == 0) return refuse();
  const std::size_t port_end = text.find(':', host_end + 1);
  if (port_end == std::string_view::npos) return refuse();
  PlaceOfHost place{.host = std::string(text.substr(0, host_end))};
  const std::string_view port = text.substr(host_end + 1, port_end - host_end - 1);
  if (port != "*") {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), place.port);
    if (error != std::errc() || end != port.data() + port.size() || place.port == 0) {
      return refuse();
    }
  }
  std::string ip(text.substr(port_end + 1));
  if (ip.contains(':') && !ip.starts_with('[')) ip = "[" + ip + "]";
  const Result<Address> address = Address::parse(ip + ":0");
  if (!address || !address->is_ip()) return refuse();
  place.address = *address;
  return place;
}

std::string file_name_of(const http::Url& url) {
  constexpr std::size_t bytes_max = 240;  // with .part behind it, a name that systems take
  const std::string& path = url.path();
  std::string name = http::Url::decode(std::string_view(path).substr(path.rfind('/') + 1));
  for (char& c : name) {
    if (c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '_';
  }
  if (name.starts_with('.')) name.front() = '_';
  if (name.size() > bytes_max) name.clear();
  return name;
}

extern const Subcommand get_subcommand;
const Subcommand get_subcommand{.name = "get",
                                .purpose = "ask an HTTP server, download, upload",
                                .arguments = {.term = "URL...", .max = 1000},
                                .options = get_options,
                                .hints = hints,
                                .manual = get_manual,
                                .parse = parse};

}  // namespace ieum::cli
