// The hub as a program: ports, signals, the end.
#include "serve.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <optional>

#include <ieum/cores.hpp>
#include <ieum/port_owner.hpp>
#include <ieum/runtime.hpp>
#include <ieum/signals.hpp>
#include <ieum/timeout.hpp>
#include <ieum/tls_context.hpp>

#include "config/parse.hpp"
#include "listeners/listeners.hpp"
#include "listeners/page.hpp"
#include "listeners/systemd.hpp"
#include "rooms/hub.hpp"
#include "storage.hpp"
#include "tools/storage_tools.hpp"

namespace ieum::hub {

namespace {

Time wall_clock() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

/// `*:6667` is joined by 127.0.0.1.
Address to_join(const Address& address) {
  return address.is_wildcard() ? Address::ipv4_loopback(address.port()) : address;
}

std::string page_url(const Address& address, bool tls) {
  return (tls ? "https://" : "http://") + to_join(address).to_string() + "/";
}

std::string join_words(const Address& address) {
  const Address to = to_join(address);
  std::string host = to.to_string();
  host.resize(host.rfind(':'));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return host + " " + std::to_string(address.port());
}

std::string database_of(const Config& config) { return config.data + "/hub.db"; }

/// The log and the accounts, or a sentence on why they cannot be had.
bool is_kept(const Config& config) { return config.data != "memory"; }

std::expected<std::unique_ptr<Storage>, std::string> open_data(const Config& config) {
  if (!is_kept(config)) return make_memory_storage();
  if (mkdir(config.data.c_str(), 0700) != 0 && errno != EEXIST) {
    const Error error(static_cast<std::errc>(errno), "make the directory");
    return std::unexpected(config.data + ": " + error.to_string());
  }
  StorageOptions options;
  options.path = database_of(config);
  options.hash_threads = limits::hashes_at_once;
  return open_storage(options);
}

std::size_t cores_of(const Config& config) {
  return config.cores != 0 ? config.cores : available_cpus();
}

/// Everything that lives as long as the program.
class Program {
 public:
  Program(Invocation invocation, Storage& storage, std::optional<TlsServerContext> context)
      : invocation_(std::move(invocation)),
        events_(invocation_.config.log_json),
        context_(std::move(context)),
        common_(std::make_shared<const Config>(invocation_.config), cores_of(invocation_.config)) {
    for (const std::string& notice : storage.notices()) {
      events_.write("storage", {{"notice", notice}});
    }
    const Services services{storage.log(), storage.accounts(), events_, wall_clock, common_};
    for (std::size_t i = 0; i < common_.cores(); ++i) {
      hubs_.push_back(std::make_unique<Hub>(services, i));
    }
    serving_ = common_.cores();
  }

  /// Opens all ports, before any core runs.
  Task<> open_ports() {
    ports_ = co_await passed_ports(common_.cores());
    if (ports_.empty()) {
      const Config& config = invocation_.config;
      for (const std::string& address : config.listen) co_await open(address, "listen");
      for (const std::string& address : config.listen_tls) co_await open(address, "listen-tls");
      for (const std::string& address : config.listen_http) co_await open(address, "listen-http");
      for (const std::string& address : config.listen_https) co_await open(address, "listen-https");
      for (const std::string& address : config.listen_metrics) {
        co_await open(address, "listen-metrics");
      }
    }
    for (const Port& port : ports_) {
      const Address& address = port.listeners.front().address();
      if (port.metrics) {
        metrics_ += (metrics_.empty() ? "" : ", ") + page_url(address, false) + "metrics";
        continue;
      }
      if (port.http) {
        if (page_.empty()) page_ = page_url(address, port.tls);
        continue;
      }
      where_ += (where_.empty() ? "" : ", ") + address.to_string() + (port.tls ? " (TLS)" : "");
      if (join_.empty()) join_ = join_words(address);
    }
  }

  Result<> run() {
    CoresOptions options;
    options.count = common_.cores();
    return run_on_cores([this](Core& core) { return run_core(core); }, options);
  }

 private:
  /// `option` says what it serves, and in the error how to choose another.
  Task<> open(std::string text, std::string_view option) {
    const Address address = co_await Address::parse(text);
    Port port;
    port.tls = option == "listen-tls" || option == "listen-https";
    port.http = option.contains("http");
    port.metrics = option == "listen-metrics";
    Result<std::vector<DetachedListener>> listeners =
        Listener::bind_shared(address, port.metrics ? 1 : common_.cores());
    if (!listeners) {
      Error error = listeners.error();
      if (error == std::errc::address_in_use) {
        const std::optional<PortOwner> owner = co_await find_port_owner(address);
        std::string detail = owner ? owner->to_string() + "; " : "";
        detail += "choose another with --" + std::string(option);
        error.set_detail(detail);
      }
      co_await ieum::fail(error);
    }
    port.listeners = *std::move(listeners);
    ports_.push_back(std::move(port));
  }

  Task<> run_core(Core& core) {
    Hub& hub = *hubs_[core.index()];
    Listeners listeners(hub, context_ ? &*context_ : nullptr);
    for (Port& port : ports_) {
      if (core.index() >= port.listeners.size()) continue;
      DetachedListener detached = std::move(port.listeners[core.index()]);
      Listener listener = co_await Listener::attach(std::move(detached));
      if (port.metrics) {
        listeners.add_metrics(std::move(listener));
      } else if (port.http) {
        listeners.add_http(std::move(listener), port.tls);
      } else {
        listeners.add(std::move(listener), port.tls);
      }
    }
    auto body = [&](Group& group) { return serve(group, core.index(), listeners); };
    Result<> served = co_await attempt(with_group(body));
    // The group was stopped once everybody had left.
    if (!served && served.error() != std::errc::operation_canceled) {
      co_await ieum::fail(served.error());
    }
  }

  Task<> serve(Group& group, std::size_t index, Listeners& listeners) {
    Hub& hub = *hubs_[index];
    if (index == 0) {
      Signals signals = co_await Signals::create(SIGINT, SIGTERM, SIGHUP);
      group.start(obey(std::move(signals), hub));
    }
    group.start(hub.run());
    co_await hub.ready().wait();
    group.start(listeners.run());
    if (index == 0) co_await tell_ready();
    co_await hub.ending().wait();
    const DrainReport report = co_await listeners.drain(hub.config().drain_time);
    finished_ += report.finished;
    cut_ += report.cut;
    if (--serving_ == 0) {
      events_.write("ended",
                    {{"finished", std::to_string(finished_)}, {"cut", std::to_string(cut_)}});
    }
    group.stop();
  }

  Task<> tell_ready() {
    if (context_ && invocation_.config.certificate.empty()) {
      events_.write("self-signed", {{"pin", context_->pin()}});
    }
    events_.write(
        "ready", {{"listen", where_}, {"page", page_}, {"cores", std::to_string(common_.cores())}});
    if (!where_.empty()) {
      std::printf("The hub listens on %s. Join it with any IRC client, or: ncat -C %s\n",
                  where_.c_str(), join_.c_str());
    }
    if (!metrics_.empty()) std::printf("Its metrics: %s\n", metrics_.c_str());
    if (!page_.empty() && page_files().empty()) {
      std::printf("It was built without its page, which needs npm.\n");
    } else if (!page_.empty()) {
      std::printf("Or open its page: %s\n", page_.c_str());
    }
    std::fflush(stdout);
    co_await notify_systemd("READY=1");
  }

  Task<> obey(Signals signals, Hub& hub) {
    for (;;) {
      const int signal = co_await signals.next();
      if (signal != SIGHUP) break;
      co_await notify_systemd("RELOADING=1");
      reload(hub);
      co_await notify_systemd("READY=1");
    }
    co_await notify_systemd("STOPPING=1");
    hub.shut_down("The server is going down");
  }

  /// Reads the configuration and the certificates again; what cannot be changed while it runs
  /// (addresses, data, cores) stays, and with an error all does.
  void reload(Hub& hub) {
    std::expected<Invocation, EarlyEnd> again = parse_invocation(invocation_.words);
    if (!again) {
      std::string why = again.error().text;
      if (why.ends_with('\n')) why.pop_back();
      events_.write("reload-failed", {{"error", why}});
      return;
    }
    if (context_) {
      const Result<> certificates = context_->reload();
      if (!certificates) {
        events_.write("reload-failed", {{"error", certificates.error().to_string()}});
        return;
      }
    }
    events_.set_json(again->config.log_json);
    hub.set_config(std::make_shared<const Config>(std::move(again->config)));
  }

  Invocation invocation_;
  EventLog events_;
  std::optional<TlsServerContext> context_;
  Common common_;
  std::vector<std::unique_ptr<Hub>> hubs_;  // a core each
  std::vector<Port> ports_;
  std::string where_;
  std::string join_;
  std::string page_;  // its URL
  std::string metrics_;
  // By all cores:
  std::atomic<std::size_t> serving_ = 0;
  std::atomic<std::size_t> finished_ = 0;
  std::atomic<std::size_t> cut_ = 0;
};

int refuse(const Error& error) {
  std::fprintf(stderr, "ieum-hub: %s\n", error.to_string().c_str());
  return 1;
}

}  // namespace

int serve_program(std::vector<std::string> words) {
  std::expected<Invocation, EarlyEnd> invocation = parse_invocation(std::move(words));
  if (!invocation) {
    const EarlyEnd& end = invocation.error();
    std::fputs(end.text.c_str(), end.status == 0 ? stdout : stderr);
    return end.status;
  }
  const Config& config = invocation->config;
  std::optional<TlsServerContext> context;
  if (!config.certificate.empty()) {
    Result<TlsServerContext> loaded = TlsServerContext::load(config.certificate, config.key);
    if (!loaded) return refuse(loaded.error());
    context.emplace(*std::move(loaded));
  }
  if (invocation->check_only) {
    std::printf("The configuration is right.\n");
    return 0;
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::expected<std::unique_ptr<Storage>, std::string> storage = open_data(config);
  if (!storage) {
    std::fprintf(stderr, "ieum-hub: %s\n", storage.error().c_str());
    return 1;
  }
  if (!context && !(config.listen_tls.empty() && config.listen_https.empty())) {
    Result<TlsServerContext> made =
        is_kept(config) ? TlsServerContext::self_signed(config.name, config.data + "/tls.pem")
                        : TlsServerContext::self_signed(config.name);
    if (!made) return refuse(made.error());
    context.emplace(*std::move(made));
  }
  Program program(*std::move(invocation), **storage, std::move(context));
  Result<> result = ieum::run(program.open_ports());
  if (result) result = program.run();
  return result ? 0 : refuse(result.error());
}

std::optional<int> storage_program(const std::vector<std::string>& words) {
  if (words.empty()) return std::nullopt;
  const auto commands = storage_commands();
  const auto command = std::ranges::find(commands, words.front(), &StorageCommand::name);
  if (command == commands.end()) return std::nullopt;
  // What is no option, up to the first option, is the command's.
  const auto options = std::find_if(words.begin() + 1, words.end(),
                                    [](const std::string& word) { return word.starts_with("-"); });
  std::expected<Invocation, EarlyEnd> invocation =
      parse_invocation(std::vector<std::string>(options, words.end()));
  if (!invocation) {
    const EarlyEnd& end = invocation.error();
    if (end.status == 0) {
      std::printf("ieum-hub %s %s: %s\n  --data and --config as of ieum-hub\n",
                  std::string(command->name).c_str(), std::string(command->arguments).c_str(),
                  std::string(command->summary).c_str());
    } else {
      std::fputs(end.text.c_str(), stderr);
    }
    return end.status;
  }
  const std::vector<std::string> arguments(words.begin() + 1, options);
  return command->run(database_of(invocation->config), arguments);
}

}  // namespace ieum::hub
