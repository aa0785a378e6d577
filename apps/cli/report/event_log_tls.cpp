// What an event log reports of TLS: each step of the handshake, what it came to, and whom we met.
#include <chrono>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "report/event_log.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

struct Meaning {
  std::string_view name;
  std::string_view words;
};

// Of TLS 1.2 and 1.3 (RFC 5246, RFC 8446).
constexpr std::array meanings{
    Meaning{"ClientHello", "the client offers versions, ciphers and its half of a key exchange"},
    Meaning{"ServerHello", "the server has chosen from these"},
    Meaning{"EncryptedExtensions", "the rest of its choices, the first that nobody else can read"},
    Meaning{"CertificateRequest", "the server wants to know who the client is"},
    Meaning{"Certificate", "who the sender is, and who vouches for that"},
    Meaning{"CertificateStatus", "its issuer says that the certificate was not revoked (OCSP)"},
    Meaning{"CertificateVerify",
            "the sender proves, by a signature, that it has the certificate's key"},
    Meaning{"ServerKeyExchange", "the server's half of the key exchange, signed"},
    Meaning{"ServerHelloDone", "the server waits for the client's part"},
    Meaning{"ClientKeyExchange", "the client's half of the key exchange: both have the secret now"},
    Meaning{
        "ChangeCipherSpec",
        "TLS 1.2: what follows is encrypted; TLS 1.3: nothing, but old devices on the way want it"},
    Meaning{"Finished", "a checksum of all that was said: nobody has changed it on the way"},
    Meaning{"NewSessionTicket", "with this the client can resume the session later"},
    Meaning{"KeyUpdate", "the sender encrypts with a new key from here on"},
    Meaning{"HelloRequest", "the server wants to begin anew, which is refused"},
};

std::string_view meaning_of(std::string_view name) noexcept {
  for (const Meaning& meaning : meanings) {
    if (meaning.name == name) return meaning.words;
  }
  return {};
}

/// RFC 8446, appendix B.2, and what TLS 1.2 has besides.
std::string_view name_of_alert(int alert) noexcept {
  switch (alert) {
    case 0: return "close_notify: nothing more will come";
    case 10: return "unexpected_message";
    case 20: return "bad_record_mac";
    case 22: return "record_overflow";
    case 40: return "handshake_failure";
    case 42: return "bad_certificate";
    case 43: return "unsupported_certificate";
    case 44: return "certificate_revoked";
    case 45: return "certificate_expired";
    case 46: return "certificate_unknown";
    case 47: return "illegal_parameter";
    case 48: return "unknown_ca";
    case 49: return "access_denied";
    case 50: return "decode_error";
    case 51: return "decrypt_error";
    case 70: return "protocol_version";
    case 71: return "insufficient_security";
    case 80: return "internal_error";
    case 86: return "inappropriate_fallback";
    case 90: return "user_canceled";
    case 100: return "no_renegotiation";
    case 109: return "missing_extension";
    case 110: return "unsupported_extension";
    case 112: return "unrecognized_name";
    case 113: return "bad_certificate_status_response";
    case 115: return "unknown_psk_identity";
    case 116: return "certificate_required";
    case 120: return "no_application_protocol";
    default: return "of an unknown kind";
  }
}

std::string date_of(std::chrono::sys_seconds time) {
  return fmt::format("{:%Y-%m-%d}", std::chrono::system_clock::time_point(time));
}

/// "in 29 days", "3 days ago".
std::string days_until(std::chrono::sys_seconds time) {
  const auto now = std::chrono::system_clock::now();
  const auto days = std::chrono::duration_cast<std::chrono::days>(time - now).count();
  const auto count = days < 0 ? -days : days;
  const std::string text = fmt::format("{} day{}", count, count == 1 ? "" : "s");
  return time < now ? text + " ago" : "in " + text;
}

}  // namespace

void EventLog::handshaking(std::string_view name) {
  if (!log_->reports_events()) return;
  LogEvent event{"tls_handshaking", name.empty() ? std::string("TLS handshake as the server")
                                                 : fmt::format("TLS handshake with {}", name)};
  if (!name.empty()) event.fields.emplace_back("server_name", std::string(name));
  report(std::move(event));
}

void EventLog::message(const TlsMessage& message) {
  if (!log_->reports_events()) return;
  const std::string_view direction = message.is_sent ? "sent" : "received";
  std::string sentence;
  if (message.alert >= 0) {
    sentence = fmt::format("TLS: {} the alert {}", direction, name_of_alert(message.alert));
  } else {
    sentence = fmt::format("TLS: {} {}, {}", direction, message.name, format_bytes(message.bytes));
    const std::string_view meaning = meaning_of(message.name);
    if (!meaning.empty()) sentence.append(": ").append(meaning);
  }
  LogEvent event{"tls_message", std::move(sentence)};
  event.fields.emplace_back("direction", std::string(direction));
  event.fields.emplace_back("message", std::string(message.name));
  event.fields.emplace_back("bytes", std::uint64_t{message.bytes});
  if (message.alert >= 0) {
    event.fields.emplace_back("alert", static_cast<std::uint64_t>(message.alert));
  }
  report(std::move(event));
}

void EventLog::certificates(const TlsPeer& peer) {
  if (!log_->reports_events()) return;
  std::uint64_t number = 0;
  for (const TlsCertificate& one : peer.chain) {
    std::string sentence = fmt::format("certificate {}: {}", number, one.subject);
    if (!one.names.empty()) sentence += fmt::format(", for {}", fmt::join(one.names, ", "));
    sentence +=
        fmt::format("; issued by {}; {} {}, {}; {}; {}", one.issuer,
                    one.not_after < std::chrono::system_clock::now() ? "expired on" : "expires on",
                    date_of(one.not_after), days_until(one.not_after), one.key, one.pin);
    report({"tls_certificate",
            std::move(sentence),
            {},
            {{"number", number},
             {"subject", one.subject},
             {"issuer", one.issuer},
             {"names", one.names},
             {"not_before", date_of(one.not_before)},
             {"not_after", date_of(one.not_after)},
             {"key", one.key},
             {"pin", one.pin}}});
    ++number;
  }
}

void EventLog::secured(const TlsPeer& peer, Duration took, bool verifies_nothing) {
  if (!log_->reports_events()) return;
  std::string sentence =
      fmt::format("{} in {}: {}", peer.version, format_duration(took), peer.cipher);
  if (!peer.group.empty()) sentence += fmt::format(", key exchange {}", peer.group);
  sentence += peer.alpn.empty() ? std::string(", no ALPN") : fmt::format(", ALPN {}", peer.alpn);
  if (!peer.server_name.empty()) sentence += fmt::format(", server name {}", peer.server_name);
  sentence += peer.resumed ? ", an earlier session resumed" : ", a new session";
  if (verifies_nothing && !peer.problems.empty()) {
    sentence +=
        fmt::format("; taken all the same (--insecure): {}", fmt::join(peer.problems, "; "));
  }
  report({"tls",
          std::move(sentence),
          {},
          {{"version", peer.version},
           {"cipher", peer.cipher},
           {"group", peer.group},
           {"alpn", peer.alpn},
           {"server_name", peer.server_name},
           Field::flag("resumed", peer.resumed),
           {"problems", peer.problems},
           {"seconds", std::chrono::duration<double>(took).count()}}});
}

void EventLog::not_secured(std::string_view why) {
  if (!log_->reports_events()) return;
  report({"tls_failed", std::string(why), {}, {{"message", std::string(why)}}});
}

}  // namespace ieum::cli
