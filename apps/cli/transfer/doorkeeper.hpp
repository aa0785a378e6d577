// Doorkeeper: waits for the other of the two commands; whoever else comes is sent away.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include <ieum/group.hpp>
#include <ieum/listener.hpp>
#include <ieum/semaphore.hpp>

#include "listen/listen.hpp"
#include "transfer/partner.hpp"

namespace ieum::cli {

class Doorkeeper {
 public:
  /// Those who have not said hello yet; more wait in the backlog. And for how long.
  static constexpr std::size_t strangers_max = 16;
  static constexpr Duration hello_max = std::chrono::seconds(30);
  /// Strangers that are told of, one by one.
  static constexpr std::uint64_t told_max = 10;

  /// All must outlive it; `tls` is null if there is none.
  Doorkeeper(const ListenCommand& command, const TlsEnd* tls, const Access& access,
             Listener& listener, EventLog& events, std::string_view other)
      : command_(command),
        tls_(tls),
        access_(access),
        listener_(listener),
        events_(events),
        other_(other) {}

  /// The first who says hello, however many others come before, or beside. Errors: those of
  /// accepting; `protocol_error`, a hello was damaged.
  [[nodiscard]] Task<std::unique_ptr<Partner>> first_partner();

 private:
  Task<> receive_all(Group& group);
  Task<> receive(Group& group, StreamSocket client, Semaphore::Permit permit);
  Task<> meet(std::unique_ptr<Partner>& partner, Connection client,
              std::unique_ptr<EventLog> events, std::optional<Failure>& failure);
  void tell(const Address& peer, const std::string& why);

  const ListenCommand& command_;
  const TlsEnd* tls_;
  const Access& access_;
  Listener& listener_;
  EventLog& events_;
  std::string_view other_;
  Semaphore strangers_{strangers_max};
  std::uint64_t clients_ = 0;
  std::uint64_t told_ = 0;
  std::unique_ptr<Partner> found_;
};

}  // namespace ieum::cli
