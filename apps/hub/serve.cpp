// The hub as a program: ports, signals, the end.
#include "serve.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <optional>

#include <ieum/port_owner.hpp>
#include <ieum/runtime.hpp>
#include <ieum/signals.hpp>
#include <ieum/timeout.hpp>
#include <ieum/tls_context.hpp>

#include "config/parse.hpp"
#include "listeners/listeners.hpp"
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
std::string join_words(const Address& address) {
  Address to = address;
  if (address.is_wildcard()) to = Address::ipv4_loopback(address.port());
  std::string host = to.to_string();
  host.resize(host.rfind(':'));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return host + " " + std::to_string(address.port());
}

std::string database_of(const Config& config) { return config.data + "/hub.db"; }

/// The log and the accounts, or a sentence on why they cannot be had.
std::expected<std::unique_ptr<Storage>, std::string> open_data(const Config& config) {
  if (config.data == "memory") return make_memory_storage();
  if (mkdir(config.data.c_str(), 0700) != 0 && errno != EEXIST) {
    const Error error(static_cast<std::errc>(errno), "make the directory");
    return std::unexpected(config.data + ": " + error.to_string());
  }
  StorageOptions options;
  options.path = database_of(config);
  options.hash_threads = limits::hashes_at_once;
  return open_storage(options);
}

/// Everything that lives as long as the program.
class Program {
 public:
  Program(Invocation invocation, Storage& storage, std::optional<TlsServerContext> context)
      : invocation_(std::move(invocation)),
        events_(invocation_.config.log_json),
        context_(std::move(context)),
        hub_(std::make_shared<const Config>(invocation_.config),
             Services{storage.log(), storage.accounts(), events_, wall_clock}),
        listeners_(hub_, context_ ? &*context_ : nullptr) {
    for (const std::string& notice : storage.notices()) {
      events_.write("storage", {{"notice", notice}});
    }
  }

  Task<> run() {
    Signals signals = co_await Signals::create(SIGINT, SIGTERM, SIGHUP);
    co_await listen();
    auto body = [&](Group& group) { return serve(group, signals); };
    co_await with_group(body);
  }

 private:
  Task<> listen() {
    std::vector<PassedListener> passed = co_await passed_listeners();
    for (PassedListener& one : passed) {
      remember(one.listener, one.tls);
      listeners_.add(std::move(one.listener), one.tls);
    }
    if (!passed.empty()) co_return;
    for (const std::string& address : invocation_.config.listen) co_await bind(address, false);
    for (const std::string& address : invocation_.config.listen_tls) co_await bind(address, true);
  }

  Task<> bind(std::string text, bool tls) {
    const Address address = co_await Address::parse(text);
    Result<Listener> listener = Listener::bind(address);
    if (!listener) {
      if (listener.error() != std::errc::address_in_use) co_await ieum::fail(listener.error());
      const std::optional<PortOwner> owner = co_await find_port_owner(address);
      std::string detail = owner ? owner->to_string() + "; " : "";
      detail += std::string("choose another with --") + (tls ? "listen-tls" : "listen");
      Error error = listener.error();
      error.set_detail(detail);
      co_await ieum::fail(error);
    }
    remember(*listener, tls);
    listeners_.add(*std::move(listener), tls);
  }

  void remember(const Listener& listener, bool tls) {
    where_ += (where_.empty() ? "" : ", ") + listener.address().to_string() + (tls ? " (TLS)" : "");
    if (join_.empty()) join_ = join_words(listener.address());
  }

  Task<> serve(Group& group, Signals& signals) {
    group.start(hub_.run());
    co_await hub_.ready().wait();
    group.start(listeners_.run());
    if (context_ && invocation_.config.certificate.empty()) {
      events_.write("self-signed", {{"pin", context_->pin()}});
    }
    events_.write("ready", {{"listen", where_}});
    std::printf("The hub listens on %s. Join it with any IRC client, or: ncat -C %s\n",
                where_.c_str(), join_.c_str());
    std::fflush(stdout);
    co_await notify_systemd("READY=1");
    for (;;) {
      const int signal = co_await signals.next();
      if (signal != SIGHUP) break;
      co_await notify_systemd("RELOADING=1");
      reload();
      co_await notify_systemd("READY=1");
    }
    co_await notify_systemd("STOPPING=1");
    hub_.shut_down("The server is going down");
    const DrainReport report = co_await listeners_.drain(hub_.config().drain_time);
    events_.write("ended", {{"finished", std::to_string(report.finished)},
                            {"cut", std::to_string(report.cut)}});
    group.stop();
  }

  /// Reads the configuration and the certificates again; what cannot be changed while it runs
  /// (addresses, data) stays, and with an error all does.
  void reload() {
    std::expected<Invocation, EarlyEnd> again = parse_invocation(invocation_.words);
    if (!again) {
      std::string why = again.error().text;
      if (why.ends_with('\n')) why.pop_back();
      events_.write("reload-failed", {{"error", why}});
      return;
    }
    if (context_ && !invocation_.config.certificate.empty()) {
      const Result<> certificates = context_->reload();
      if (!certificates) {
        events_.write("reload-failed", {{"error", certificates.error().to_string()}});
        return;
      }
    }
    events_.set_json(again->config.log_json);
    hub_.set_config(std::make_shared<const Config>(std::move(again->config)));
    events_.write("reloaded");
  }

  Invocation invocation_;
  EventLog events_;
  std::optional<TlsServerContext> context_;
  Hub hub_;
  Listeners listeners_;
  std::string where_;
  std::string join_;
};

Task<> run_program(Program& program) {
  Result<> result = co_await attempt(program.run());
  // The group was stopped once everybody had left.
  if (!result && result.error() != std::errc::operation_canceled)
    co_await ieum::fail(result.error());
}

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
  if (!config.listen_tls.empty() || !config.certificate.empty()) {
    Result<TlsServerContext> made = config.certificate.empty()
                                        ? TlsServerContext::self_signed(config.name)
                                        : TlsServerContext::load(config.certificate, config.key);
    if (!made) return refuse(made.error());
    context.emplace(*std::move(made));
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
  Program program(*std::move(invocation), **storage, std::move(context));
  const Result<> result = ieum::run(run_program(program));
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
