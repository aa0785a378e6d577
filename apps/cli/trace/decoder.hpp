// Decoder: makes events of a system call that has returned, while its thread is stopped.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "trace/calls.hpp"
#include "trace/dns_answer.hpp"
#include "trace/event.hpp"
#include "trace/sockets_seen.hpp"

namespace ieum::cli::trace {

/// A call from its entry on.
struct CallUnderWay {
  const Call* call = nullptr;
  CallKind kind{};  ///< of this call: splice(2) sends or receives
  std::array<std::uint64_t, 6> arguments{};
  Time began{};
  int fd = -1;
  std::uint64_t socket = 0;
  PairStates before{};  ///< of what ends something
};

class Decoder {
 public:
  /// At most `data_bytes` of each message are kept.
  Decoder(SocketsSeen& sockets, std::size_t data_bytes)
      : sockets_(sockets), data_bytes_(data_bytes) {}

  /// Looks at what is only there before the call. False: it is not on a socket of ours.
  [[nodiscard]] bool enter(CallUnderWay& under_way, int pid, int tid);
  /// One event, or one for each message; none for what is not shown.
  [[nodiscard]] std::vector<Event> leave(const CallUnderWay& under_way, int pid, int tid,
                                         std::int64_t result, Time now);

 private:
  using Arguments = std::array<std::uint64_t, 6>;

  void describe(Event& event, const CallUnderWay& under_way, Time now);
  void describe_creation(Event& event, int tid, int fd, Time now);
  void describe_accepted(Event& event, int tid, bool aborts);
  void describe_transfer(Event& event, const CallUnderWay& under_way);
  void describe_message(Event& event, std::uint64_t header, bool receives);
  void describe_option(Event& event, const Arguments& arguments, SeenSocket& seen);
  void describe_failure(Event& event);
  std::vector<Event> split_messages(const Event& event, const CallUnderWay& under_way);
  [[nodiscard]] std::string data_of(int tid, std::uint64_t address, std::size_t bytes);
  [[nodiscard]] std::string data_of_vector(int tid, std::uint64_t parts, std::size_t count,
                                           std::size_t bytes);
  [[nodiscard]] std::size_t kept_of(std::size_t bytes) const;
  [[nodiscard]] std::string keep(std::string data, std::size_t bytes);
  [[nodiscard]] bool may_be_dns_answer(const Event& event) const;
  void add_names(const Event& event, std::vector<Event>& events);

  SocketsSeen& sockets_;
  std::size_t data_bytes_;
  bool is_dns_answer_ = false;  ///< what the call has received may be one
  std::vector<NamedAddress> names_;
  /// Reasons that were asked for lately: the machine's table takes a while to read.
  std::map<std::string, std::pair<Time, std::string>> reasons_;
};

}  // namespace ieum::cli::trace
