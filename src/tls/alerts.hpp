// Alerts: what one end of TLS tells the other before it gives up (RFC 8446, section 6.2), in words.
#pragma once

#include <string_view>

namespace ieum::tls {

/// "it does not know our certificate's issuer (unknown_ca)".
std::string_view alert_in_words(int alert) noexcept;
/// Whether it is about our certificate, or about who we are.
bool is_about_certificate(int alert) noexcept;

/// Of a message of the handshake, by its type.
std::string_view message_name(int type) noexcept;

/// What OpenSSL objects to in a handshake, in words; empty if its own will do.
std::string_view reason_in_words(int reason) noexcept;

}  // namespace ieum::tls
