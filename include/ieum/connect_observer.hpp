// ConnectObserver: told of each step of a connect, as it happens.
#pragma once

#include <span>

#include <ieum/error.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// For programs that tell their users what a connect is doing, or that measure it: see
/// `ConnectOptions::observer`. Called on the runtime's thread from within the connecting; a member
/// must return soon and start no operation. Must outlive the connect. Every member may be left as
/// it is here: it does nothing.
class ConnectObserver {
 public:
  ConnectObserver() noexcept = default;
  ConnectObserver(const ConnectObserver&) = default;
  ConnectObserver& operator=(const ConnectObserver&) = default;

  /// A name's addresses have come, best first. Called again if those of the other family come
  /// later.
  virtual void resolved(std::span<const Address> /*addresses*/) {}
  /// A socket was created for `to`, bound to the source if there is one, and now connects. Several
  /// attempts may run at the same time.
  virtual void connecting(const Address& /*to*/) {}
  /// Such an attempt has failed; given up because another one won is not told.
  virtual void attempt_failed(const Error& /*error*/) {}

 protected:
  ~ConnectObserver() = default;
};

}  // namespace ieum
#pragma GCC visibility pop
