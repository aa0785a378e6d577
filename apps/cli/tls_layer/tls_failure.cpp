#include "tls_layer/tls_failure.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace ieum::cli {

namespace {

bool is_about_certificate(const Error& error) {
  constexpr std::array codes{Errc::certificate_expired,        Errc::certificate_not_yet_valid,
                             Errc::certificate_wrong_name,     Errc::certificate_self_signed,
                             Errc::certificate_unknown_issuer, Errc::certificate_not_pinned,
                             Errc::certificate_invalid};
  return std::ranges::any_of(codes, [&](Errc code) { return error == code; });
}

std::string certificate_advice(const Error& error, const TlsPeer& peer, TlsUser user) {
  if (error == Errc::certificate_not_pinned) {
    return peer.chain.empty() ? "" : fmt::format("its key is {}", peer.chain.front().pin);
  }
  if (error == Errc::certificate_unknown_issuer || error == Errc::certificate_self_signed) {
    return user == TlsUser::listen
               ? "name its issuer with --ca"
               : "if you know whose it is, name its issuer with --ca, or its key with "
                 "--insecure --pin";
  }
  if (error == Errc::certificate_wrong_name) {
    return user == TlsUser::get ? "--resolve connects to a host by another's address"
                                : "--servername names the one to expect";
  }
  if (error == Errc::certificate_expired || error == Errc::certificate_not_yet_valid) {
    return "a new one is needed, unless this machine's clock is wrong";
  }
  return {};
}

/// All that is wrong with it; an error alone holds 95 bytes of that.
Failure certificate_failure(const Error& error, const TlsPeer& peer, TlsUser user) {
  std::string sentence = error.to_string();
  if (!peer.problems.empty()) {
    sentence =
        fmt::format("{} {}: the {}'s certificate is refused: {}", error.operation(),
                    error.address().to_string(), user == TlsUser::listen ? "client" : "server",
                    fmt::join(peer.problems, "; "));
  }
  const std::string advice = certificate_advice(error, peer, user);
  if (!advice.empty()) sentence.append("; ").append(advice);
  return {Status::certificate, std::move(sentence)};
}

std::string_view handshake_advice(const Error& error, TlsUser user) {
  const std::string_view detail = error.detail();
  const auto says = [&](std::string_view words) { return detail.contains(words); };
  if (error == Errc::cut_off || error == std::errc::connection_reset) {
    if (user == TlsUser::listen) return "it may have disliked our certificate, or speak no TLS";
    return user == TlsUser::get ? "does it speak TLS? for plain HTTP write http://"
                                : "does it speak TLS? for plain TCP write tcp://";
  }
  if (says("is not TLS") || says("HTTP without TLS")) {
    if (user == TlsUser::listen) return "does it write tls:// as we do?";
    return user == TlsUser::get ? "for plain HTTP write http://" : "for plain TCP write tcp://";
  }
  if (says("(certificate_required)")) return "see --cert";
  if (says("shows no certificate")) return "--ca wants one of every client";
  if (says("ALPN")) return "see --alpn";
  return {};
}

}  // namespace

Failure explain_tls_failure(const Error& error, const TlsPeer& peer, TlsUser user) {
  if (is_about_certificate(error)) return certificate_failure(error, peer, user);
  if (error == std::errc::timed_out) {
    return {Status::timed_out,
            error.to_string() +
                "; there is a connection, but its other end does not finish TLS's "
                "handshake: does it speak TLS?"};
  }
  if (error == std::errc::not_enough_memory) return {Status::other, error.to_string()};
  std::string sentence = error.to_string();
  const std::string_view advice = handshake_advice(error, user);
  if (!advice.empty()) sentence.append("; ").append(advice);
  return {Status::tls_handshake, std::move(sentence)};
}

}  // namespace ieum::cli
