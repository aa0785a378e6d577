// Alerts, and the commoner reasons why a handshake fails, in words.
#include "tls/alerts.hpp"

#include <openssl/ssl.h>

namespace ieum::tls {

std::string_view alert_in_words(int alert) noexcept {
  switch (alert) {
    case SSL_AD_UNEXPECTED_MESSAGE: return "we sent what it did not expect (unexpected_message)";
    case SSL_AD_BAD_RECORD_MAC: return "what we sent arrived damaged (bad_record_mac)";
    case SSL_AD_RECORD_OVERFLOW: return "we sent a record too long (record_overflow)";
    case SSL_AD_HANDSHAKE_FAILURE: return "nothing in common, or it wants more (handshake_failure)";
    case SSL_AD_BAD_CERTIFICATE: return "our certificate is damaged (bad_certificate)";
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
      return "our certificate is of the wrong kind (unsupported_certificate)";
    case SSL_AD_CERTIFICATE_REVOKED: return "our certificate was revoked (certificate_revoked)";
    case SSL_AD_CERTIFICATE_EXPIRED: return "our certificate has expired (certificate_expired)";
    case SSL_AD_CERTIFICATE_UNKNOWN: return "it rejects our certificate (certificate_unknown)";
    case SSL_AD_ILLEGAL_PARAMETER: return "we sent a value out of range (illegal_parameter)";
    case SSL_AD_UNKNOWN_CA: return "it does not know our certificate's issuer (unknown_ca)";
    case SSL_AD_ACCESS_DENIED: return "we may not come in (access_denied)";
    case SSL_AD_DECODE_ERROR: return "it cannot read what we sent (decode_error)";
    case SSL_AD_DECRYPT_ERROR: return "a signature or a check failed (decrypt_error)";
    case SSL_AD_PROTOCOL_VERSION: return "it speaks no version of TLS of ours (protocol_version)";
    case SSL_AD_INSUFFICIENT_SECURITY: return "we are not safe enough (insufficient_security)";
    case SSL_AD_INTERNAL_ERROR: return "something is wrong with it (internal_error)";
    case SSL_AD_INAPPROPRIATE_FALLBACK: return "we could do better (inappropriate_fallback)";
    case SSL_AD_USER_CANCELLED: return "it has changed its mind (user_canceled)";
    case SSL_AD_NO_RENEGOTIATION: return "it does not renegotiate (no_renegotiation)";
    case SSL_AD_MISSING_EXTENSION: return "we left something out (missing_extension)";
    case SSL_AD_UNSUPPORTED_EXTENSION:
      return "we sent an unasked extension (unsupported_extension)";
    case SSL_AD_UNRECOGNIZED_NAME: return "it has no certificate for this name (unrecognized_name)";
    case SSL_AD_CERTIFICATE_REQUIRED:
      return "it wants a certificate of ours (certificate_required)";
    case SSL_AD_NO_APPLICATION_PROTOCOL:
      return "no protocol in common, ALPN (no_application_protocol)";
    default: return "an alert that we do not know";
  }
}

bool is_about_certificate(int alert) noexcept {
  switch (alert) {
    case SSL_AD_HANDSHAKE_FAILURE:
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_CERTIFICATE_REQUIRED: return true;
    default: return false;
  }
}

std::string_view message_name(int type) noexcept {
  switch (type) {
    case SSL3_MT_HELLO_REQUEST: return "HelloRequest";
    case SSL3_MT_CLIENT_HELLO: return "ClientHello";
    case SSL3_MT_SERVER_HELLO: return "ServerHello";
    case SSL3_MT_NEWSESSION_TICKET: return "NewSessionTicket";
    case SSL3_MT_END_OF_EARLY_DATA: return "EndOfEarlyData";
    case SSL3_MT_ENCRYPTED_EXTENSIONS: return "EncryptedExtensions";
    case SSL3_MT_CERTIFICATE: return "Certificate";
    case SSL3_MT_SERVER_KEY_EXCHANGE: return "ServerKeyExchange";
    case SSL3_MT_CERTIFICATE_REQUEST: return "CertificateRequest";
    case SSL3_MT_SERVER_DONE: return "ServerHelloDone";
    case SSL3_MT_CERTIFICATE_VERIFY: return "CertificateVerify";
    case SSL3_MT_CLIENT_KEY_EXCHANGE: return "ClientKeyExchange";
    case SSL3_MT_FINISHED: return "Finished";
    case SSL3_MT_CERTIFICATE_STATUS: return "CertificateStatus";
    case SSL3_MT_KEY_UPDATE: return "KeyUpdate";
    default: return "a message that we do not know";
  }
}

std::string_view reason_in_words(int reason) noexcept {
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG: return "what the peer sent is not TLS";
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST: return "the peer speaks HTTP without TLS";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_PROTOCOLS_AVAILABLE: return "the peer speaks no TLS newer than 1.1";
    case SSL_R_NO_SHARED_CIPHER: return "no cipher in common";
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE: return "no key exchange in common";
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM: return "no kind of signature in common";
    case SSL_R_NO_APPLICATION_PROTOCOL: return "no protocol in common (ALPN)";
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return "the client shows no certificate";
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC: return "what came is damaged";
    default: return {};
  }
}

}  // namespace ieum::tls
