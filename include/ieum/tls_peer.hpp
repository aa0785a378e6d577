// TlsPeer: what a TLS session knows of its other end.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <ieum/error.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// One certificate of a chain. Its texts are the peer's own: show them through `printable`.
struct TlsCertificate {
  std::string subject;  ///< "CN=example.com,O=Example" (RFC 4514)
  std::string issuer;
  std::vector<std::string> names;  ///< the hosts and IP addresses that it is for
  std::chrono::sys_seconds not_before;
  std::chrono::sys_seconds not_after;
  std::string key;  ///< "RSA 2048 bits", "EC 256 bits"
  std::string pin;  ///< of its public key, as `TlsClientContext::pin` takes it
};

/// A plain value.
struct TlsPeer {
  std::string version;      ///< "TLSv1.3"; empty if no handshake came so far
  std::string cipher;       ///< "TLS_AES_128_GCM_SHA256"
  std::string group;        ///< of the key exchange: "x25519"
  std::string alpn;         ///< the protocol that was agreed on; empty if none
  std::string server_name;  ///< that the client asked for (SNI); empty if none
  bool resumed = false;     ///< an earlier session goes on: no certificate was sent
  /// The peer's certificate, then what it sent along. A server's peer has none unless it was asked.
  std::vector<TlsCertificate> chain;
  /// All that is wrong with the chain, a clause each. Empty if it was found good, and if the
  /// session was resumed; it holds something after a failed handshake, or with `verify_nothing`.
  std::vector<std::string> problems;
};

}  // namespace ieum
#pragma GCC visibility pop
