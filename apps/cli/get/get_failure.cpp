#include "get/get_failure.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "text/suggest.hpp"
#include "text/units.hpp"
#include "tls_layer/tls_failure.hpp"

namespace ieum::cli {

namespace {

bool is_redirect(const Error& error) {
  return std::string_view(error.operation()).starts_with("redirect") ||
         (error == Errc::limit_exceeded && error.detail().contains("redirects"));
}

/// Why a redirect is not followed.
std::string_view redirect_advice(const Error& error) {
  std::string_view why = error.detail();
  if (why.contains("may_leave_tls")) {
    return "by http everybody on the way can read and change what is sent";
  }
  if (why.contains("scheme") || why.contains("WebSocket")) return "it is neither http nor https";
  constexpr std::string_view refused = "not followed: ";
  if (why.starts_with(refused)) why.remove_prefix(refused.size());
  return why;
}

Failure redirect_failure(const Error& error, const RequestLog& log) {
  if (error != Errc::limit_exceeded) {
    return {Status::other,
            fmt::format("it redirects to {}, which is not followed: {}",
                        in_quotes(log.reply_field("location")), redirect_advice(error))};
  }
  std::string sentence = "more redirects than are followed (--redirects)";
  if (!log.loop().empty()) {
    sentence += fmt::format("; they lead in a loop, by way of {}", log.loop());
  }
  return {redirects_exceeded, std::move(sentence)};
}

Failure no_connection(const Error& error, const GetCommand& command) {
  const std::string_view operation = error.operation();
  if (operation == "connect by proxy") {
    if (error == std::errc::permission_denied) {
      return {Status::not_connected,
              fmt::format("the proxy {} wants a user and a password, or others than these: see "
                          "--proxy-auth",
                          error.name())};
    }
    return {Status::not_connected,
            fmt::format("the proxy {} refuses: {}", error.name(), error.detail())};
  }
  return explain_failure(
      Stage::connecting, error,
      {.limit = command.common.wait, .family_asked = command.common.family != Family::none});
}

/// Without the URL.
Failure explain(const Error& error, const GetCommand& command, const RequestLog& log,
                const std::optional<Failure>& refusal) {
  using Phase = RequestLog::Phase;
  if (is_redirect(error)) return redirect_failure(error, log);
  if (log.phase() == Phase::securing && error != std::errc::timed_out) {
    return explain_tls_failure(error, log.peer(), TlsUser::get);
  }
  if (log.phase() == Phase::securing) {
    return {Status::timed_out,
            fmt::format("{}; the server does not finish TLS's handshake: does it speak TLS? for "
                        "plain HTTP write http://",
                        error.to_string())};
  }
  if (log.phase() == Phase::connecting || log.phase() == Phase::tunneling) {
    if (refusal) return *refusal;
    if (error == std::errc::invalid_argument && std::string_view(error.operation()) == "request") {
      return {Status::usage, error.to_string()};
    }
    return no_connection(error, command);
  }
  if (error == std::errc::timed_out) {
    return {Status::timed_out,
            fmt::format("{} {}: nothing came for {} (--idle)", error.operation(), error.name(),
                        format_duration(command.common.session.idle))};
  }
  // Also if it was reset, which curl calls 56: whether a server that dies ends a connection or
  // resets it depends on what it had not read, and says nothing about the answer.
  if (error == Errc::cut_off && log.phase() == Phase::body) {
    return {cut_short, error.to_string() + "; the answer's end is missing"};
  }
  if (error == Errc::cut_off) {
    return {Status::broken, error.to_string() + "; does it speak HTTP? for TLS write https://"};
  }
  if (error == std::errc::protocol_error) {
    return {Status::broken, error.to_string() + "; this is no HTTP by the rules"};
  }
  const std::string_view operation = error.operation();
  if (error == Errc::handshake_failed || operation.starts_with("TLS")) {
    return explain_tls_failure(error, log.peer(), TlsUser::get);
  }
  const bool is_ours =
      operation == "read" || operation.starts_with("open") || operation.starts_with("send content");
  if (error == std::errc::invalid_argument) return {Status::usage, error.to_string()};
  return {is_ours ? Status::other : Status::broken, error.to_string()};
}

}  // namespace

Failure explain_request_failure(const Error& error, const GetCommand& command,
                                const RequestLog& log, const std::optional<Failure>& refusal) {
  Failure failure = explain(error, command, log, refusal);
  // An error knows no more of the URL than its origin.
  const std::string asked = fmt::format("{} {}: ", error.operation(), error.name());
  if (error.name().starts_with("http") && failure.sentence.starts_with(asked)) {
    failure.sentence.replace(0, asked.size(), fmt::format("{} {}: ", error.operation(), log.url()));
  } else {
    failure.sentence.insert(0, log.url() + ": ");
  }
  return failure;
}

bool may_pass(const Failure& failure) {
  constexpr std::array passing = {Status::not_resolved, Status::not_connected, Status::timed_out,
                                  Status::broken, cut_short};
  return std::ranges::find(passing, failure.status) != passing.end();
}

}  // namespace ieum::cli
