// TlsObserver: told of each message of a handshake, as it happens.
#pragma once

#include <cstddef>
#include <string_view>

#include <ieum/error.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// A message of TLS's own.
struct TlsMessage {
  bool is_sent = false;  ///< by us; else it came
  /// As the RFCs call it: "ClientHello", "Certificate", "NewSessionTicket"; "ChangeCipherSpec"; of
  /// an alert "alert".
  std::string_view name;
  std::size_t bytes = 0;
  int alert = -1;  ///< its number (RFC 8446, section 6), or -1
};

/// For programs that tell their users what TLS is doing: see `TlsOptions::observer`. Called on the
/// runtime's thread from within the handshake, and later when a message of TLS's own comes or goes;
/// a member must return soon and start no operation. Must outlive the session.
class TlsObserver {
 public:
  TlsObserver() noexcept = default;
  TlsObserver(const TlsObserver&) = default;
  TlsObserver& operator=(const TlsObserver&) = default;

  virtual void message(const TlsMessage& /*message*/) {}

 protected:
  ~TlsObserver() = default;
};

}  // namespace ieum
#pragma GCC visibility pop
