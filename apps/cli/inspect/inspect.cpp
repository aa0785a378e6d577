#include "inspect/inspect.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>

#include <fmt/format.h>

#include <ieum/descriptor.hpp>
#include <ieum/printable.hpp>
#include <ieum/socket_table.hpp>

#include "inspect/growth.hpp"
#include "inspect/item_text.hpp"
#include "inspect/items.hpp"
#include "inspect/json.hpp"
#include "inspect/summary.hpp"
#include "report/failure.hpp"
#include "text/numbers.hpp"
#include "text/suggest.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

int fail(std::string_view sentence) {
  std::fprintf(stderr, "ieum: %s\n", printable(sentence).c_str());
  return static_cast<int>(Status::other);
}

void note(std::string_view sentence) {
  std::fprintf(stderr, "ieum: %s\n", printable(sentence).c_str());
}

bool write_output(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
         std::fflush(stdout) == 0;
}

int output_failed() { return fail(Error::from_errno(errno, "write standard output").to_string()); }

/// "pid:123", a path, or a name of ip-netns(8).
std::string namespace_path(const std::string& name) {
  constexpr std::string_view pid = "pid:";
  if (name.starts_with(pid)) return fmt::format("/proc/{}/ns/net", name.substr(pid.size()));
  return name.contains('/') ? name : "/run/netns/" + name;
}

std::string about_namespace(const std::string& name, int number) {
  if (number == ENOENT) {
    return fmt::format(
        "there is no network namespace {}; 'ip netns list' shows the names, and "
        "pid:N is that of a process",
        in_quotes(name));
  }
  return fmt::format("cannot enter the network namespace {}: {}", in_quotes(name),
                     std::generic_category().message(number));
}

/// Lines of a terminal that can be drawn over; 0: it is none.
std::size_t screen_rows() {
  winsize size{};
  const char* term = std::getenv("TERM");
  if (term == nullptr || std::string_view(term) == "dumb") return 0;
  if (::isatty(STDOUT_FILENO) == 0 || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0) return 0;
  return size.ws_row;
}

std::string local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  return fmt::format("{:02}:{:02}:{:02}", parts.tm_hour, parts.tm_min, parts.tm_sec);
}

class Inspection {
 public:
  explicit Inspection(const InspectCommand& command) : command_(command) {}

  int run() {
    if (command_.watch == Duration::zero()) return once();
    for (bool first = true;; first = false) {
      const Result<SocketTable> table = read(first);
      if (!table) return namespace_gone_ ? 0 : static_cast<int>(Status::other);
      if (!watch(*table)) return output_failed();
      std::this_thread::sleep_for(command_.watch);
    }
  }

 private:
  /// What went wrong has been reported. A namespace may go, but not at `first`.
  Result<SocketTable> read(bool first = true) {
    SocketTableOptions options{.tcp = command_.filter.takes_tcp(),
                               .udp = command_.filter.takes_udp(),
                               .unix_sockets = command_.filter.takes_unix()};
    Descriptor network_namespace;
    if (!command_.network_namespace.empty()) {
      const std::string path = namespace_path(command_.network_namespace);
      network_namespace = Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      if (!network_namespace.is_open()) {
        const int number = errno;
        namespace_gone_ = number == ENOENT && !first;
        note(namespace_gone_ ? fmt::format("the network namespace {} has gone",
                                           in_quotes(command_.network_namespace))
                             : about_namespace(command_.network_namespace, number));
        return std::unexpected(Error::from_errno(ENOENT, "open"));
      }
      options.network_namespace = network_namespace.number();
    }
    Result<SocketTable> table = SocketTable::read(options);
    if (!table) {
      const bool entering = table.error() == std::errc::operation_not_permitted ||
                            table.error() == std::errc::invalid_argument;
      fail(network_namespace.is_open() && entering
               ? about_namespace(command_.network_namespace, table.error().code().value())
               : table.error().to_string());
    }
    return table;
  }

  int once() {
    const Result<SocketTable> table = read();
    if (!table) return static_cast<int>(Status::other);
    const Findings findings(*table);
    std::size_t matching = 0;
    const bool written = command_.summary ? show_summary(findings, matching)
                         : command_.json  ? show_json(findings, matching)
                                          : show_items(findings, matching);
    if (!written) return output_failed();
    tell_what_is_missing(findings);
    if (matching > 0 || command_.filter.text().empty()) return 0;
    return fail(fmt::format("no socket matches {}{}", in_quotes(command_.filter.text()),
                            command_.filter.hint()));
  }

  bool show_summary(const Findings& findings, std::size_t& matching) const {
    const Totals totals = count(findings, select_sockets(findings, command_.filter));
    matching = totals.sockets;
    return write_output(command_.json ? to_json(totals, utc_now())
                                      : to_text(totals, command_.style));
  }

  bool show_json(const Findings& findings, std::size_t& matching) const {
    const std::string time = utc_now();
    const auto indexes = select_sockets(findings, command_.filter);
    matching = indexes.size();
    std::string text;
    for (const std::uint32_t i : indexes) {
      text += to_json(findings, i, time);
      if (text.size() >= chunk_bytes) {
        if (!write_output(text)) return false;
        text.clear();
      }
    }
    return write_output(text);
  }

  bool show_items(const Findings& findings, std::size_t& matching) const {
    const std::vector<Item> items = select_items(findings, command_.filter);
    matching = items.size();
    std::string text;
    for (const Item& item : items) {
      append_item(text, findings, item, command_.style);
      if (text.size() >= chunk_bytes) {
        if (!write_output(text)) return false;
        text.clear();
      }
    }
    return write_output(text);
  }

  /// Once, however many there are.
  void tell_what_is_missing(const Findings& findings) {
    if (told_) return;
    const SocketTable& table = findings.table();
    if (table.left_out() > 0) {
      told_ = true;
      note(fmt::format("{} further sockets are left out; 'tcp', 'udp' or 'unix' asks for fewer",
                       grouped(table.left_out())));
    }
    if (table.hidden_processes() == 0) return;
    std::size_t hidden = 0;
    for (const std::uint32_t i : select_sockets(findings, command_.filter)) {
      hidden += findings.is_hidden(i) ? 1 : 0;
    }
    if (hidden == 0 && !command_.filter.names_processes()) return;
    told_ = true;
    note(hidden == 0 ? std::string("only your own processes are looked at; as root, all are")
                     : fmt::format("the processes that hold {} of these sockets are not yours; as "
                                   "root, you see them",
                                   grouped(hidden)));
  }

  // ---- Watching --------------------------------------------------------------------------------

  bool watch(const SocketTable& table) {
    const Findings findings(table);
    tell_what_is_missing(findings);
    std::size_t matching = 0;
    if (command_.json) {
      return command_.summary ? show_summary(findings, matching) : show_json(findings, matching);
    }
    const auto indexes = select_sockets(findings, command_.filter);
    const Totals totals = count(findings, indexes);
    growth_.add(std::chrono::steady_clock::now(), numbers_of(totals));
    std::string text = heading(totals);
    if (command_.summary) {
      text += to_text(totals, command_.style);
    } else {
      append_items(text, findings);
    }
    return write_output(screen_rows() > 0 ? redrawn(text) : text + "\n");
  }

  static std::string state_name(std::string_view protocol, std::string_view state) {
    return fmt::format("{} {}", protocol, state);
  }
  static std::string process_name(const Totals::Process& process) {
    return fmt::format("{} (pid {})", process.title, process.pid);
  }

  static Growth::Numbers numbers_of(const Totals& totals) {
    Growth::Numbers numbers{{"sockets", totals.sockets}, {"stuck", totals.stuck}};
    for (const auto& [key, number] : totals.states)
      numbers[state_name(key.first, key.second)] = number;
    for (const Totals::Process& process : totals.processes) {
      if (process.leaking > 0) numbers[process_name(process)] = process.leaking;
    }
    return numbers;
  }

  /// The totals, with what grows.
  std::string heading(const Totals& totals) const {
    std::string text =
        bold(fmt::format("{}  {} sockets{}, {} stuck{}", local_time(), grouped(totals.sockets),
                         growth_.of("sockets"), grouped(totals.stuck), growth_.of("stuck")),
             command_.style);
    text += '\n';
    for (const auto& [key, number] : totals.states) {
      const std::string name = state_name(key.first, key.second);
      const std::string growth = growth_.of(name);
      if (!growth.empty()) text += fmt::format("  {}: {},{}\n", name, grouped(number), growth);
    }
    for (const Totals::Process& process : totals.processes) {
      const std::string name = process_name(process);
      const std::string growth = growth_.of(name);
      if (process.leaking > 0) {
        text += fmt::format("  {} leaks: {} close-wait{}{}\n", name, grouped(process.leaking),
                            growth.empty() ? "" : ",", growth);
      }
    }
    return text;
  }

  void append_items(std::string& text, const Findings& findings) const {
    const std::size_t rows = screen_rows();
    std::size_t used = static_cast<std::size_t>(std::ranges::count(text, '\n'));
    const std::vector<Item> items = select_items(findings, command_.filter);
    for (std::size_t i = 0; i < items.size(); ++i) {
      std::string one;
      append_item(one, findings, items[i], command_.style);
      used += static_cast<std::size_t>(std::ranges::count(one, '\n'));
      if (rows > 0 && used + 1 >= rows) {
        text += fmt::format("and {} more\n", grouped(items.size() - i));
        return;
      }
      text += one;
    }
  }

  /// Line by line over what was there, so that nothing flickers.
  static std::string redrawn(const std::string& text) {
    std::string all = "\x1b[H";
    for (const char letter : text) {
      if (letter == '\n') all += "\x1b[K";
      all += letter;
    }
    return all + "\x1b[J";
  }

  static constexpr std::size_t chunk_bytes = std::size_t{64} * 1024;

  const InspectCommand& command_;
  Growth growth_;
  bool namespace_gone_ = false;
  bool told_ = false;
};

}  // namespace

int run_inspect(const InspectCommand& command) { return Inspection(command).run(); }

}  // namespace ieum::cli
