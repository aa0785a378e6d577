// What the command line and the configuration file say.
#include "config/parse.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include <ieum/address.hpp>
#include <ieum/error.hpp>
#include <ieum/http/routes.hpp>
#include <ieum/printable.hpp>

#include "irc/names.hpp"
#include "irc/text.hpp"
#include "listeners/metrics.hpp"
#include "session/version.hpp"

namespace ieum::hub {

namespace {

/// Options in seconds, as CLI11 takes them.
struct Seconds {
  std::size_t registration;
  std::size_t ping_after;
  std::size_t ping_timeout;
  std::size_t linger;
  std::size_t drain;
  std::size_t keep_days;
  std::size_t gather_milliseconds;

  explicit Seconds(const Config& config)
      : registration(seconds(config.registration_time)),
        ping_after(seconds(config.ping_after)),
        ping_timeout(seconds(config.ping_timeout)),
        linger(seconds(config.linger)),
        drain(seconds(config.drain_time)),
        keep_days(static_cast<std::size_t>(config.keep_age.count() / 24)),
        gather_milliseconds(static_cast<std::size_t>(config.gather.count())) {}

  static std::size_t seconds(std::chrono::milliseconds time) {
    return static_cast<std::size_t>(time.count() / 1000);
  }
  void put_into(Config& config) const {
    config.registration_time = std::chrono::seconds(registration);
    config.ping_after = std::chrono::seconds(ping_after);
    config.ping_timeout = std::chrono::seconds(ping_timeout);
    config.linger = std::chrono::seconds(linger);
    config.drain_time = std::chrono::seconds(drain);
    config.keep_age = std::chrono::hours(24 * keep_days);
    config.gather = std::chrono::milliseconds(gather_milliseconds);
  }
};

/// The one declaration.
void declare(CLI::App& app, Config& config, Seconds& times, bool& check_only) {
  app.set_config("--config", "", "A file with any of these options, as `name = \"value\"`");
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.add_flag("--check-config", check_only, "Say whether all of this is right, and end")
      ->configurable(false);
  app.add_option("--name", config.name, "The server's name, as clients see it");
  app.add_option("--network", config.network, "The network's name");
  app.add_option("--listen", config.listen, "Addresses for plain IRC, or none");
  app.add_option("--listen-tls", config.listen_tls, "Addresses for IRC over TLS, or none");
  app.add_option("--listen-http", config.listen_http, "Addresses for the page, or none");
  app.add_option("--listen-https", config.listen_https, "Addresses for the page over TLS");
  app.add_option("--listen-metrics", config.listen_metrics, "Addresses for Prometheus' /metrics");
  app.add_option("--hosts", config.hosts, "Names by which browsers ask for the page");
  app.add_option("--certificate", config.certificate,
                 "The certificate with its chain (PEM); without one the hub makes its own");
  app.add_option("--key", config.key, "The certificate's key (PEM)");
  app.add_option("--data", config.data,
                 "The directory of the database; \"memory\": nothing is kept");
  app.add_option("--motd", config.motd, "A file with the message of the day");
  app.add_option("--password", config.password, "What clients must give (PASS)");
  app.add_option("--operators", config.operators, "Accounts that may become operators (OPER)");
  app.add_option("--proxies", config.proxies,
                 "Addresses of proxies: who comes from there may send no passwords without TLS");
  app.add_flag("--log-json", config.log_json, "Log JSON objects, a line each");
  app.add_option("--cores", config.cores, "Cores to run on; 0: all of them")
      ->check(CLI::Range(0, 1024));
  app.add_option("--clients", config.clients, "Clients at a time");
  app.add_option("--connections-per-address", config.connections_per_address,
                 "Connections from one address");
  app.add_option("--rooms-per-client", config.rooms_per_client, "Channels that one may be in");
  app.add_option("--burst-lines", config.burst_lines, "Lines that a client may send at once");
  app.add_option("--lines-per-second", config.lines_per_second,
                 "Lines a second from then on; 0: as many as it likes");
  app.add_option("--queue-bytes", config.queue_bytes, "What may wait for one who does not read");
  app.add_option("--gather-ms", times.gather_milliseconds,
                 "How long lines wait for others, to go out together");
  app.add_option("--registration-seconds", times.registration, "Until a client has said who it is");
  app.add_option("--ping-seconds", times.ping_after, "Between pings");
  app.add_option("--ping-timeout-seconds", times.ping_timeout, "For their answers");
  app.add_option("--linger-seconds", times.linger, "How long a lost session may come back");
  app.add_option("--drain-seconds", times.drain, "How long the end may take");
  app.add_option("--keep-days", times.keep_days, "Messages are kept so long");
  app.add_option("--keep-messages", config.keep_count, "So many are kept of each channel");
}

std::vector<std::string> keys_of(const CLI::App& app) {
  std::vector<std::string> keys;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_lnames().empty()) keys.push_back(option->get_lnames().front());
  }
  return keys;
}

/// What is wrong with the values, each on its own right; empty: nothing.
std::string problem_of(const Config& config) {
  const auto check_addresses = [](const std::vector<std::string>& addresses) -> std::string {
    for (const std::string& address : addresses) {
      const Result<Address> parsed = Address::parse(address);
      if (!parsed) return parsed.error().to_string();
    }
    return {};
  };
  bool listens = false;
  for (const auto* addresses :
       {&config.listen, &config.listen_tls, &config.listen_http, &config.listen_https}) {
    const std::string problem = check_addresses(*addresses);
    if (!problem.empty()) return problem;
    listens = listens || !addresses->empty();
  }
  const std::string metrics_problem = check_addresses(config.listen_metrics);
  if (!metrics_problem.empty()) return metrics_problem;
  if (!config.listen_metrics.empty() && !has_metrics()) {
    return "listen-metrics: this hub was built without prometheus-cpp";
  }
  if (!listens) return "there is nothing to listen on";
  if (config.certificate.empty() != config.key.empty()) {
    return "certificate and key belong together";
  }
  if (config.name.empty() || config.name.contains(' ') || config.name.starts_with(':') ||
      has_controls(config.name)) {
    return "name: a server's name is one word";
  }
  if (config.network.empty() || config.network.contains(' ')) {
    return "network: a network's name is one word";
  }
  http::Routes routes;
  for (const std::string& proxy : config.proxies) {
    if (!routes.trust(proxy)) return "proxies: '" + printable(proxy) + "' is no address";
  }
  for (const std::string& account : config.operators) {
    if (!is_account(account)) return "operators: '" + printable(account) + "' is no account's name";
  }
  if (config.burst_lines == 0) return "burst-lines: at least 1";
  if (config.queue_bytes < 16 * 1024) return "queue-bytes: at least 16384";
  return {};
}

EarlyEnd end_of(const CLI::Error& error, const std::vector<std::string>& keys) {
  std::string text = error.what();
  // Of what it does not know, CLI11 gives only the word: at the end, of a key of the file;
  // somewhere behind two hyphens, of an option.
  const bool is_key = dynamic_cast<const CLI::ConfigError*>(&error) != nullptr;
  const bool is_option = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  const std::size_t at = is_key ? text.rfind(' ') + 1 : text.find(" --") + 3;
  if ((is_key || is_option) && at > 2) {
    std::string word = text.substr(at);
    word.resize(std::min(word.find_first_of(" =],"), word.size()));
    const std::string dashes = is_key ? "" : "--";
    text = std::string("unknown ") + (is_key ? "key" : "option") + " '" + dashes + printable(word) +
           "'";
    const std::string near = nearest(word, keys);
    if (!near.empty()) text += "; did you mean '" + dashes + near + "'?";
  }
  return {2, "ieum-hub: " + text + "\n"};
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    std::vector<std::size_t> row(candidate.size() + 1);
    for (std::size_t j = 0; j <= candidate.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = std::exchange(row[0], i);
      for (std::size_t j = 1; j <= candidate.size(); ++j) {
        const std::size_t replaced = diagonal + (word[i - 1] == candidate[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

std::expected<Invocation, EarlyEnd> parse_invocation(std::vector<std::string> words) {
  Invocation invocation;
  invocation.words = words;
  Config& config = invocation.config;
  Seconds times(config);
  CLI::App app("A chat server for IRC clients whose messages are kept, in order, once.",
               "ieum-hub");
  app.set_version_flag("--version", std::string(version));
  app.footer(
      "Other uses: ieum-hub load, backup, restore, check; each with --help.\n"
      "docs/hub.md tells the rest.");
  declare(app, config, times, invocation.check_only);
  std::ranges::reverse(words);
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    return std::unexpected(EarlyEnd{0, app.help()});
  } catch (const CLI::CallForVersion&) {
    return std::unexpected(EarlyEnd{0, std::string(version) + "\n"});
  } catch (const CLI::Error& error) {
    return std::unexpected(end_of(error, keys_of(app)));
  }
  times.put_into(config);
  std::erase(config.listen, "none");
  std::erase(config.listen_tls, "none");
  std::erase(config.listen_http, "none");
  std::erase(config.listen_https, "none");
  std::erase(config.listen_metrics, "none");
  const std::string problem = problem_of(config);
  if (!problem.empty()) return std::unexpected(EarlyEnd{2, "ieum-hub: " + problem + "\n"});
  return invocation;
}

}  // namespace ieum::hub
