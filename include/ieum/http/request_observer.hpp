// RequestObserver: told of each step of a request, as it happens.
#pragma once

#include <cstdint>
#include <string_view>

#include <ieum/connect_observer.hpp>
#include <ieum/tls_observer.hpp>
#include <ieum/tls_peer.hpp>

#pragma GCC visibility push(default)
namespace ieum::http {

class Url;

/// For programs that tell their users what a request is doing, or that measure it: see
/// `RequestOptions::observer`. Called on the runtime's thread from within the request, in the order
/// of the members, the first ones only if a connection is made, all of them again for each
/// redirect; a member must return soon and start no operation. What it is given is valid until it
/// returns. It must outlive the reply and, as TLS has something to say at any time, the client.
/// Every member may be left as it is here: it does nothing.
class RequestObserver : public ConnectObserver, public TlsObserver {
 public:
  /// A connection that was kept is used, none is made.
  virtual void reused() {}
  /// To the host, or to the proxy, or to the Unix socket.
  virtual void connected(const Address& /*local*/, const Address& /*peer*/) {}
  /// A proxy has connected to the host.
  virtual void tunneled(const Url& /*proxy*/) {}
  /// A TLS handshake begins with `name`.
  virtual void securing(std::string_view /*name*/) {}
  /// It has ended, well unless there is a failure.
  virtual void secured(const TlsPeer& /*peer*/, const Error* /*failure*/) {}
  /// The request's head, as it is sent: credentials included.
  virtual void sending(std::string_view /*head*/) {}
  /// Of its content, so many bytes have been sent so far.
  virtual void content_sent(std::uint64_t /*bytes*/) {}
  /// All of the request has been sent.
  virtual void sent() {}
  /// A head has come, as it is here: the reply's, or an interim one's (1xx) before it.
  virtual void received(std::string_view /*head*/) {}
  /// The reply is a redirect, which is followed.
  virtual void redirected(const Url& /*to*/) {}

 protected:
  ~RequestObserver() = default;
};

}  // namespace ieum::http
#pragma GCC visibility pop
