// Slot: one connection of a load, made anew when it breaks, and what is under way on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include <ieum/event.hpp>
#include <ieum/group.hpp>
#include <ieum/task.hpp>

#include "bench/conversation.hpp"

namespace ieum::cli {

class Load;

class Slot {
 public:
  /// What is waited after a connection that could not be made, or that answered nothing.
  static constexpr Duration retry_pause = std::chrono::milliseconds(100);

  Slot(Load& load, std::size_t number) : load_(load), number_(number) {}

  [[nodiscard]] Task<> connect();
  /// Until the measured time is over, and what was under way has been answered or given up.
  [[nodiscard]] Task<> run();
  /// What the system counted while it was measured is taken into the result.
  void account();
  /// The measured time begins.
  void begin_measuring();

 private:
  struct Sent {
    std::uint64_t number;
    TimePoint intended;
    TimePoint when;
  };
  [[nodiscard]] bool is_open_loop() const noexcept;
  /// Waits until the next message is to begin, and gives when that was meant to be;
  /// `TimePoint::max` if there is none any more.
  [[nodiscard]] Task<TimePoint> wait_for_turn();
  /// What an open loop had no turn for before the end.
  void give_up_rest();

  // A connection that is held:
  [[nodiscard]] Task<> run_held();
  [[nodiscard]] Task<> talk(Group& group);
  [[nodiscard]] Task<> send_all();
  [[nodiscard]] std::size_t begin_messages(TimePoint when);
  [[nodiscard]] Task<> receive_all(Group& group);
  [[nodiscard]] Task<bool> receive_once();
  void settle(const Answer& answer, TimePoint when);
  void settle_datagram(const Answer& answer, TimePoint when);
  void expire(TimePoint now);
  void fail_all(const Error& error);

  // A connection for each message:
  [[nodiscard]] Task<> run_fresh();
  [[nodiscard]] Task<> exchange_once(std::uint64_t number, std::vector<Answer>& answers);

  Load& load_;
  const std::size_t number_;
  std::unique_ptr<Conversation> conversation_;
  std::uint32_t retransmitted_before_ = 0;
  std::uint64_t next_ = 0;  // message of an open loop's schedule
  std::uint64_t serial_ = 0;
  std::uint64_t settled_ = 0;  // messages that were answered, well or not
  std::deque<Sent> under_way_;
  std::vector<Answer> answers_;
  bool sent_all_ = false;
  Event began_one_;  // or there will be none
  Event has_room_;
};

}  // namespace ieum::cli
