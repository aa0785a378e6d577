#include "bench/bench.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include <ieum/ieum.hpp>

#include "bench/greeting.hpp"
#include "bench/report.hpp"
#include "report/reason.hpp"
#include "session/resolve_endpoint.hpp"
#include "session/run_session.hpp"
#include "text/numbers.hpp"
#include "text/suggest.hpp"
#include "text/terminal.hpp"
#include "text/units.hpp"
#include "tls_layer/tls_contexts.hpp"
#include "tls_layer/tls_failure.hpp"

namespace ieum::cli {

namespace {

constexpr Duration progress_interval = std::chrono::milliseconds(250);

/// As the scheduler counts it; zeros if it does not tell.
OwnTime read_own_time() {
  std::ifstream file("/proc/thread-self/schedstat");
  std::int64_t used = 0;
  std::int64_t waited = 0;
  file >> used >> waited;
  return {.used = Duration(used), .waited = Duration(waited)};
}

// ---- While it runs ------------------------------------------------------------------------------

void clear_line() { std::fputs("\r\x1b[K", stderr); }

/// "3 of 10 s  12,345 a second  2 failed", over and over in the same place.
Task<> show_progress(const Load& load, const LoadOptions& options) {
  std::uint64_t before = 0;
  for (;;) {
    co_await sleep(progress_interval);
    const std::uint64_t answers = load.answers();
    const double each = std::chrono::duration<double>(progress_interval).count();
    const Duration elapsed = load.elapsed();
    const std::string where =
        elapsed < Duration::zero()
            ? std::string("warming up")
            : fmt::format("{:.0f} of {}", std::chrono::duration<double>(elapsed).count(),
                          format_duration(options.duration));
    std::string line = fmt::format(
        "{}  {} a second", where,
        grouped(static_cast<std::uint64_t>(static_cast<double>(answers - before) / each)));
    if (load.failures() > 0) line += fmt::format("  {} failed", grouped(load.failures()));
    before = answers;
    std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
  }
}

Task<> stop_on_interrupt(Load& load, Interrupt& interrupt) {
  co_await interrupt.raised.wait();
  load.stop();
}

Task<> run_beside(Group& group, Load& load, const BenchCommand& command, Interrupt& interrupt) {
  group.start(stop_on_interrupt(load, interrupt));
  if (takes_color(STDERR_FILENO)) group.start(show_progress(load, command.load));
  const Result<> ran = co_await attempt(load.run());
  if (takes_color(STDERR_FILENO)) clear_line();
  group.stop();
  if (!ran) co_await fail(ran.error());
}

// ---- What went wrong ----------------------------------------------------------------------------

/// Of the first contact: connecting, TLS, or a server that does not answer as it should.
Failure explain_contact(const BenchCommand& command, const Load& load, const Error& error) {
  const BenchTarget& target = command.target;
  if (load.open_trouble().in_tls) {
    const TlsUser user = target.protocol == Protocol::bytes ? TlsUser::connect : TlsUser::get;
    return explain_tls_failure(error, load.open_trouble().peer, user);
  }
  const std::string where = shown(command.address);
  if (target.protocol == Protocol::datagrams) {
    if (error == std::errc::timed_out) {
      return {Status::timed_out,
              fmt::format("no answer from {} within {} (--timeout): does something echo datagrams "
                          "there? start 'ieum bench --server {}' there",
                          where, format_duration(command.load.timeout), where)};
    }
    return explain_datagram_failure(error, where);
  }
  if (!load.trouble_in_talk()) {
    if (error == std::errc::timed_out) {
      return {Status::timed_out, fmt::format("connect {}: no answer within {} (--timeout): is the "
                                             "host up, or does a firewall drop what we send?",
                                             where, format_duration(command.load.timeout))};
    }
    if (target.protocol == Protocol::websocket && error == std::errc::protocol_error) {
      return {Status::other,
              fmt::format("{}; does it speak WebSocket at that path?", error.to_string())};
    }
    return explain_failure(Stage::connecting, error, {.where = where});
  }
  const std::string_view wanted = target.protocol == Protocol::http
                                      ? "does it speak HTTP/1.1?"
                                      : "does it echo what it gets? 'ieum bench --server' does";
  if (error == std::errc::timed_out) {
    return {Status::timed_out,
            fmt::format("{} did not answer a first message within {} (--timeout){}{}; {}", where,
                        format_duration(command.load.timeout),
                        load.unfinished().empty() ? "" : ": ", load.unfinished(), wanted)};
  }
  if (error == Errc::end_of_stream || error == Errc::cut_off ||
      error == std::errc::connection_reset || error == std::errc::broken_pipe) {
    return {Status::broken,
            fmt::format("{} closed the connection before it had answered a first message{}{}; {}",
                        where, load.unfinished().empty() ? "" : ": ", load.unfinished(), wanted)};
  }
  return {Status::other, fmt::format("{}; {}", error.to_string(), wanted)};
}

/// Of messages that failed while it was measured.
Failure explain_troubles(const BenchReport& report, const LoadResult& result) {
  std::uint64_t all = 0;
  for (const auto& [kind, trouble] : report.troubles) all += trouble.count;
  const auto& [kind, trouble] = report.troubles.front();
  std::string sentence = fmt::format("{} of {} messages failed: {}", grouped(all),
                                     grouped(std::max(result.intended, all)), kind);
  if (trouble.example != kind) sentence += fmt::format(" ({})", trouble.example);
  if (report.troubles.size() > 1) {
    sentence += fmt::format("; and {} other kinds of errors", report.troubles.size() - 1);
  }
  return {trouble.status, std::move(sentence)};
}

Failure cannot_write(std::string_view where) {
  return {Status::other, fmt::format("write {}: {}", where, reason_of(errno))};
}

/// Whole or an error.
bool write_all(std::FILE* file, const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0;
}

std::optional<Failure> write_page(const std::string& path, const std::string& page) {
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return cannot_write(in_quotes(path));
  const bool written = write_all(file, page);
  if (std::fclose(file) != 0 || !written) return cannot_write(in_quotes(path));
  return std::nullopt;
}

// ---- The whole ----------------------------------------------------------------------------------

int report_result(const BenchCommand& command, const LoadResult& result, const Interrupt& interrupt,
                  Log& log) {
  const BenchReport report = make_report(command, result);
  if (report.latency.count() > 0) {
    const std::string text = command.json ? to_json(report, command, result)
                                          : to_text(report, result, text_columns(STDOUT_FILENO));
    if (!write_all(stdout, text)) return log.failed(cannot_write("standard output"));
    if (!command.html_path.empty()) {
      const std::optional<Failure> failure = write_page(command.html_path, to_html(report, result));
      if (failure) return log.failed(*failure);
    }
  }
  if (interrupt.is_raised()) return log.failed({interrupt.status(), "interrupted"});
  if (!report.troubles.empty()) return log.failed(explain_troubles(report, result));
  if (report.latency.count() > 0) return 0;
  return log.failed(
      {Status::timed_out, fmt::format("no message began within {}: measure for longer (-d)",
                                      format_duration(command.load.duration))});
}

Task<int> measure(const BenchCommand& given, Log& log, Interrupt& interrupt) {
  BenchCommand command = given;
  BenchTarget& target = command.target;
  if (command.common.endpoint.scheme == Scheme::tls) {
    const TlsSettings& settings = command.common.tls;
    auto made = make_client_context(settings);
    if (!made) co_return log.failed(made.error());
    target.tls = *std::move(made);
    const Result<HostPort> place = HostPort::parse(command.common.endpoint.target);
    target.tls_name = settings.server_name;
    if (target.tls_name.empty() && place) target.tls_name = place->host();
  }
  Result<std::vector<Address>> found =
      co_await attempt(unless_interrupted(resolve_addresses(command.common, "connect"), interrupt));
  if (interrupt.is_raised()) co_return log.failed({interrupt.status(), "interrupted"});
  if (!found) {
    const std::string where = command.common.endpoint.to_string();
    co_return log.failed(explain_failure(Stage::connecting, found.error(),
                                         {.where = where,
                                          .limit = command.common.wait,
                                          .family_asked = command.common.family != Family::none}));
  }
  target.addresses = *std::move(found);
  Load load(target, command.load, &read_own_time);
  const Result<> met = co_await attempt(unless_interrupted(load.probe(), interrupt));
  if (interrupt.is_raised()) co_return log.failed({interrupt.status(), "interrupted"});
  if (!met) co_return log.failed(explain_contact(command, load, met.error()));
  // All go to the address of a name that has answered.
  target.addresses.assign(1, load.probed());
  auto body = [&](Group& group) { return run_beside(group, load, command, interrupt); };
  const Result<> ran = co_await attempt(with_group(body));
  if (!ran && !interrupt.is_raised()) {
    co_return log.failed(explain_contact(command, load, ran.error()));
  }
  co_return report_result(command, load.result(), interrupt, log);
}

}  // namespace

Task<int> run_bench(const BenchCommand& command, Log& log) {
  auto body = [&](Interrupt& interrupt) { return measure(command, log, interrupt); };
  const int status = co_await with_interrupt(body);
  co_return status;
}

}  // namespace ieum::cli
