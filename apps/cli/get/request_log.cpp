#include "get/request_log.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include <ieum/printable.hpp>

#include "text/units.hpp"
#include "text/wrap.hpp"

namespace ieum::cli {

namespace {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

std::string_view without_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// The next line of a head, which is taken from it.
std::string_view take_line(std::string_view& head) {
  std::string_view line = head.substr(0, head.find('\n'));
  head.remove_prefix(std::min(line.size() + 1, head.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// What a line of a head may be shown as: not a secret.
std::string without_secret(std::string_view line) {
  constexpr std::array<std::string_view, 4> secrets = {"authorization", "proxy-authorization",
                                                       "cookie", "set-cookie"};
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return std::string(line);
  const std::string name = in_lower_case(line.substr(0, colon));
  if (std::ranges::find(secrets, name) == secrets.end()) return std::string(line);
  const std::string_view value = without_blanks(line.substr(colon + 1));
  const bool has_scheme = name.ends_with("authorization") && value.contains(' ');
  const std::string scheme(has_scheme ? value.substr(0, value.find(' ') + 1) : "");
  return fmt::format("{}: {}({} bytes, not shown)", line.substr(0, colon), scheme,
                     value.size() - scheme.size());
}

/// "200 OK" of a head.
std::string status_of(std::string_view head) {
  const std::string_view line = head.substr(0, head.find_first_of("\r\n"));
  return line.size() > 9 ? std::string(line.substr(9)) : std::string();
}

}  // namespace

void RequestLog::event(std::string_view name, std::string sentence, std::vector<Field> fields) {
  if (!log_->reports_events()) return;
  log_->event(
      {.name = name, .sentence = std::move(sentence), .call = {}, .fields = std::move(fields)});
}

void RequestLog::lines(std::string_view name, std::string_view mark, std::string_view head) {
  if (!log_->reports_events()) return;
  while (!head.empty()) {
    const std::string_view line = take_line(head);
    if (line.empty()) continue;
    std::string shown = without_secret(line);
    event(name, fmt::format("{} {}", mark, shown), {{"line", shown}});
  }
}

void RequestLog::begin(const http::Url& url) {
  hops_.clear();
  loop_.clear();
  peer_ = {};
  reply_head_.clear();
  phase_ = Phase::connecting;
  hop_ = Hop{.url = url.to_string(), .status = {}, .begun = Clock::now()};
  event("asking", fmt::format("asking for {}", hop_.url), {{"url", hop_.url}});
}

void RequestLog::end() {
  if (hop_.ended) return;
  hop_.ended = Clock::now();
  if (phase_ != Phase::body) return;
  const Duration took = *hop_.ended - hop_.answered.value_or(hop_.begun);
  const Duration total = *hop_.ended - hop_.begun;
  event("body",
        fmt::format("the body came in {}, {}; all in all {}", format_duration(took),
                    format_bytes(hop_.body_bytes), format_duration(total)),
        {{"bytes", hop_.body_bytes}, {"seconds", seconds(total)}});
}

std::string RequestLog::reply_status() const { return status_of(reply_head_); }

std::string_view RequestLog::reply_field(std::string_view name) const {
  std::string_view head = reply_head_;
  while (!head.empty()) {
    const std::string_view line = take_line(head);
    const std::size_t colon = line.find(':');
    if (colon == line.npos || in_lower_case(line.substr(0, colon)) != name) continue;
    return without_blanks(line.substr(colon + 1));
  }
  return {};
}

// ---- The steps ----------------------------------------------------------------------------------

void RequestLog::resolved(std::span<const Address> addresses) {
  if (!hop_.resolved) {
    hop_.resolved = Clock::now();
    event("looked_up",
          fmt::format("looked up the name in {}", format_duration(*hop_.resolved - hop_.begun)),
          {{"seconds", seconds(*hop_.resolved - hop_.begun)}});
  }
  events_.resolved(addresses);
}
void RequestLog::connecting(const Address& to) { events_.connecting(to); }
void RequestLog::attempt_failed(const Error& error) { events_.attempt_failed(error); }

void RequestLog::reused() {
  hop_.is_reused = true;
  phase_ = Phase::sending;
  event("reused", "the connection is there already, and used again");
}

void RequestLog::connected(const Address& local, const Address& peer) {
  hop_.connected = Clock::now();
  phase_ = Phase::tunneling;
  const Duration took = *hop_.connected - hop_.resolved.value_or(hop_.begun);
  event("connected",
        fmt::format("connected from {} to {} in {}", local.to_string(), peer.to_string(),
                    format_duration(took)),
        {{"local", local.to_string()}, {"peer", peer.to_string()}, {"seconds", seconds(took)}});
  if (!socks_proxy_.empty()) events_.proxied(socks_proxy_, hop_.url);
}

void RequestLog::tunneled(const http::Url& proxy) { events_.proxied(proxy.origin(), hop_.url); }

void RequestLog::securing(std::string_view name) {
  phase_ = Phase::securing;
  securing_since_ = Clock::now();
  events_.handshaking(name);
}

void RequestLog::secured(const TlsPeer& peer, const Error* failure) {
  peer_ = peer;
  events_.certificates(peer);
  if (failure != nullptr) return;
  hop_.secured = Clock::now();
  phase_ = Phase::tunneling;
  events_.secured(peer, *hop_.secured - securing_since_, verifies_nothing_);
}

void RequestLog::sending(std::string_view head) {
  phase_ = Phase::sending;
  lines("request_line", ">", head);
}

void RequestLog::content_sent(std::uint64_t bytes) {
  hop_.content_bytes = bytes;
  if (progress_ != nullptr) progress_->at(bytes);
}

void RequestLog::sent() {
  hop_.sent = Clock::now();
  if (phase_ == Phase::sending) phase_ = Phase::waiting;
  const std::string content =
      hop_.content_bytes > 0 ? fmt::format(" with {} of content", format_bytes(hop_.content_bytes))
                             : std::string();
  event("request_sent", fmt::format("sent the request{}; waiting for the answer", content),
        {{"bytes", hop_.content_bytes}});
}

void RequestLog::received(std::string_view head) {
  const bool is_interim = head.size() > 9 && head[9] == '1';
  lines("reply_line", "<", head);
  if (is_interim) return;
  reply_head_ = head;
  phase_ = Phase::body;
  hop_.answered = Clock::now();
  hop_.status = status_of(head);
  const Duration took = *hop_.answered - hop_.sent.value_or(hop_.begun);
  event("answered",
        fmt::format("the answer's head came {} after the request", format_duration(took)),
        {{"status", hop_.status}, {"seconds", seconds(took)}});
}

void RequestLog::redirected(const http::Url& to) {
  hop_.ended = Clock::now();
  hops_.push_back(
      std::exchange(hop_, Hop{.url = to.to_string(), .status = {}, .begun = Clock::now()}));
  phase_ = Phase::connecting;
  event("redirected", fmt::format("redirected to {}", hop_.url), {{"url", hop_.url}});
  if (std::ranges::find(hops_, hop_.url, &Hop::url) != hops_.end()) loop_ = hop_.url;
}

// ---- The table ----------------------------------------------------------------------------------

std::vector<RequestLog::Step> RequestLog::steps_of(const Hop& hop) {
  std::vector<Step> steps;
  Clock::time_point from = hop.begun;
  const auto step = [&](std::string_view name, const std::optional<Clock::time_point>& until) {
    if (!until) return;
    steps.push_back({name, from - hop.begun, *until - hop.begun});
    from = std::max(from, *until);
  };
  step("look-up", hop.resolved);
  step("connection", hop.connected);
  step("TLS", hop.secured);
  step("request", hop.sent);
  step("waiting", hop.answered);
  step("body", hop.ended);
  return steps;
}

std::string RequestLog::timing(int columns) const {
  std::string table;
  std::vector<Hop> all = hops_;
  all.push_back(hop_);
  for (const Hop& hop : all) {
    const std::vector<Step> steps = steps_of(hop);
    const Duration total = hop.ended.value_or(hop.begun) - hop.begun;
    table +=
        fmt::format("{}  {}{}\n", hop.url, hop.status.empty() ? "no answer" : printable(hop.status),
                    hop.is_reused ? ", on the same connection" : "");
    const int width = std::max(10, columns - 26);
    for (const Step& step : steps) {
      const double unit = total > Duration::zero() ? width / seconds(total) : 0;
      const int begin = static_cast<int>(seconds(step.from) * unit);
      const int end = static_cast<int>(seconds(step.to) * unit);
      std::string bar(static_cast<std::size_t>(std::clamp(begin, 0, width - 1)), ' ');
      for (int i = begin; i < std::max(end, begin + 1) && i < width; ++i) bar += "█";
      const std::string took = format_duration(step.to - step.from);
      const std::size_t pad = took.size() - columns_of(took);  // µ takes two bytes
      table += fmt::format("  {:<11}{:>{}}  {}\n", step.name, took, 9 + pad, bar);
    }
    const double rate =
        seconds(total) > 0 ? static_cast<double>(hop.body_bytes) / seconds(total) : 0;
    table +=
        fmt::format("  {:<11}{:>9}  {}, {}/s\n", "total", format_duration(total),
                    format_bytes(hop.body_bytes), format_bytes(static_cast<std::uint64_t>(rate)));
  }
  return table;
}

void RequestLog::report_timing() {
  std::vector<Hop> all = hops_;
  all.push_back(hop_);
  for (const Hop& hop : all) {
    std::vector<Field> fields{{"url", hop.url}, {"status", hop.status}};
    constexpr std::array<std::string_view, 6> names = {"look-up", "connection", "TLS",
                                                       "request", "waiting",    "body"};
    constexpr std::array<std::string_view, 6> members = {"look_up_seconds", "connection_seconds",
                                                         "tls_seconds",     "request_seconds",
                                                         "waiting_seconds", "body_seconds"};
    for (const Step& step : steps_of(hop)) {
      const auto at = static_cast<std::size_t>(std::ranges::find(names, step.name) - names.begin());
      fields.emplace_back(members[at], seconds(step.to - step.from));
    }
    fields.emplace_back("total_seconds", seconds(hop.ended.value_or(hop.begun) - hop.begun));
    fields.emplace_back("bytes", hop.body_bytes);
    event("timing", "", std::move(fields));
  }
}

}  // namespace ieum::cli
