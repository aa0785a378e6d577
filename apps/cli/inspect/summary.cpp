#include "inspect/summary.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "inspect/item_text.hpp"
#include "text/numbers.hpp"
#include "text/wrap.hpp"

namespace ieum::cli {

namespace {

/// What is wrong with several, in a few words.
std::string_view in_words(std::string_view cause) {
  if (cause == "connecting") return "nobody answers their connect()";
  if (cause == "retransmitting") return "not acknowledged, and sent again";
  if (cause == "peer_does_not_read") return "the peer does not read";
  if (cause == "we_do_not_read") return "their program does not read";
  if (cause == "neither_reads") return "neither end reads";
  if (cause == "we_do_not_accept") return "nobody accepts them";
  if (cause == "backlog_full") return "listeners whose backlog is full";
  if (cause == "peer_finished") return "the peer has finished, their program has not closed them";
  if (cause == "we_finished") return "finished, but the peer does not close";
  if (cause == "waiting_for_peer") return "both ends wait for the other";
  return cause;
}

}  // namespace

Totals count(const Findings& findings, const std::vector<std::uint32_t>& indexes) {
  Totals totals;
  totals.sockets = indexes.size();
  const SocketTable& table = findings.table();
  std::vector<Totals::Process> processes(table.processes().size());
  for (const std::uint32_t i : indexes) {
    const SocketEntry& socket = findings.socket(i);
    const Finding& finding = findings[i];
    const std::string_view protocol = protocol_of(socket.info);
    ++totals.states[{protocol, state_of(socket)}];
    totals.stuck += finding.is_stuck ? 1 : 0;
    totals.leaking += finding.is_leaking ? 1 : 0;
    totals.hidden += findings.is_hidden(i) ? 1 : 0;
    if (finding.is_stuck) ++totals.causes[{protocol, to_string(finding.cause)}];
    std::uint32_t last = SocketEntry::npos;
    for (const SocketHolder& holder : table.holders(i)) {
      if (holder.process == last) continue;  // by several descriptors
      last = holder.process;
      Totals::Process& process = processes[last];
      ++process.sockets;
      process.stuck += finding.is_stuck ? 1 : 0;
      process.leaking += finding.is_leaking ? 1 : 0;
    }
  }
  for (std::size_t i = 0; i < processes.size(); ++i) {
    if (processes[i].sockets == 0) continue;
    processes[i].title = title_of(table.processes()[i]);
    processes[i].pid = table.processes()[i].pid;
    totals.processes.push_back(std::move(processes[i]));
  }
  std::ranges::sort(totals.processes, {}, [](const Totals::Process& process) {
    return std::pair(-static_cast<std::ptrdiff_t>(process.sockets), process.pid);
  });
  return totals;
}

std::string to_text(const Totals& totals, const TextStyle& style) {
  constexpr std::size_t processes_shown = 10;
  constexpr std::size_t name_columns = 6;
  const auto columns = static_cast<std::size_t>(style.columns);
  std::string text;
  for (const std::string_view protocol : {"tcp", "udp", "unix"}) {
    std::vector<std::string> parts;
    std::size_t sum = 0;
    for (const auto& [key, number] : totals.states) {
      if (key.first != protocol) continue;
      parts.push_back(fmt::format("{} {}", grouped(number), key.second));
      sum += number;
    }
    if (sum == 0) continue;
    append_wrapped(
        text,
        fmt::format("{:<{}}{}: {}", protocol, name_columns, grouped(sum), fmt::join(parts, ", ")),
        columns, 0, name_columns);
  }
  append_wrapped(text,
                 fmt::format("{:<{}}{} of them, {} leaking", "stuck", name_columns,
                             grouped(totals.stuck), grouped(totals.leaking)),
                 columns, 0, name_columns);
  for (const auto& [key, number] : totals.causes) {
    append_wrapped(text, fmt::format("{} {}: {}", grouped(number), key.first, in_words(key.second)),
                   columns, name_columns, name_columns + 2);
  }
  if (totals.processes.empty()) return text;
  text += bold("Held by", style) + "\n";
  for (std::size_t i = 0; i < std::min(processes_shown, totals.processes.size()); ++i) {
    const Totals::Process& process = totals.processes[i];
    std::string line =
        fmt::format("{:>9}  {} (pid {})", grouped(process.sockets), process.title, process.pid);
    if (process.stuck > 0) line += fmt::format(", {} stuck", grouped(process.stuck));
    if (process.leaking > 0) line += fmt::format(", {} leaking", grouped(process.leaking));
    text += line + "\n";
  }
  if (totals.processes.size() > processes_shown) {
    text += fmt::format("{:>9}  further processes\n",
                        grouped(totals.processes.size() - processes_shown));
  }
  return text;
}

}  // namespace ieum::cli
