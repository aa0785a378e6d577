// Load: keeps a server busy, and measures how long it takes. Each of its connections is a `Slot`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ieum/event.hpp>
#include <ieum/group.hpp>
#include <ieum/semaphore.hpp>
#include <ieum/task.hpp>

#include "bench/bench_limits.hpp"
#include "bench/conversation.hpp"
#include "bench/histogram.hpp"
#include "report/failure.hpp"

namespace ieum::cli {

struct LoadOptions {
  std::size_t connections = 1;
  std::size_t depth = 1;  ///< messages under way on each
  /// Messages a second, of all connections together, at times that do not depend on the answers
  /// (open loop). Zero: each next one when one was answered (closed loop).
  std::uint64_t rate = 0;
  Duration duration = std::chrono::seconds(10);
  Duration warmup = std::chrono::seconds(1);
  Duration timeout = std::chrono::seconds(5);  ///< of a message, and of connecting
  bool fresh = false;                          ///< a connection for each message
};

/// What went wrong in one way.
struct Trouble {
  std::uint64_t count = 0;
  Status status = Status::other;
  std::string example{};  ///< the first of them, as a sentence
};

/// A part of the measured time; all parts are as long.
struct Slice {
  std::uint64_t answers = 0;  ///< that came in it
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;  ///< of the messages that were answered in it
  Histogram latency{};           ///< of messages that were to begin in it
};

/// What our own thread has had of the processors.
struct OwnTime {
  Duration used{};
  Duration waited{};  ///< it could have run, and others did
};

struct LoadResult {
  static constexpr std::size_t slices_max = 10;

  std::vector<Slice> slices = std::vector<Slice>(slices_max);
  Duration measured{};   ///< shorter than asked for if it was stopped
  Histogram connecting;  ///< of connections that were made in the measured time
  /// How much later than intended messages began that nothing but ourselves held up (open loop).
  Histogram lateness;
  std::uint64_t intended = 0;  ///< messages that were to begin in the measured time
  /// Of those, that could not before its end. The latencies have what they had waited by then.
  std::uint64_t unbegun = 0;
  std::uint64_t unanswered = 0;  ///< failed ones, whyever
  std::uint64_t strays = 0;      ///< datagrams that answered nothing, or too late
  std::uint64_t closes = 0;      ///< connections that the server closed, as it had said
  std::map<std::string, Trouble> troubles{};
  std::uint64_t retransmissions = 0;
  std::vector<Duration> round_trips{};  ///< the smallest of each connection, as its kernel has it
  OwnTime own{};                        ///< in the measured time

  [[nodiscard]] Histogram latency() const;
  [[nodiscard]] std::uint64_t answers() const noexcept;
};

class Slot;

class Load {
 public:
  /// `target` must outlive it. `own_time` reads what we have used so far; null: that is not
  /// measured.
  Load(const BenchTarget& target, const LoadOptions& options, OwnTime (*own_time)() = nullptr);
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load();

  /// One message, alone, as the first contact. Fails with what went wrong; then `open_trouble` says
  /// more, and `trouble_in_talk` whether there was a connection.
  [[nodiscard]] Task<> probe();
  [[nodiscard]] const OpenTrouble& open_trouble() const noexcept { return open_trouble_; }
  [[nodiscard]] bool trouble_in_talk() const noexcept { return trouble_in_talk_; }
  /// Of the answer of the first contact that has begun; empty if it has not.
  [[nodiscard]] const std::string& unfinished() const noexcept { return unfinished_; }
  /// Where the first contact was made.
  [[nodiscard]] const Address& probed() const noexcept { return probed_; }

  /// Connects, warms up, measures. Fails if not all connections can be made; what happens later is
  /// in the result.
  [[nodiscard]] Task<> run();
  /// Ends the measuring now. `run` then ends, as well, and what is under way is not counted.
  void stop();

  [[nodiscard]] const LoadResult& result() const noexcept { return result_; }
  /// For a line of progress: since the measuring began; negative before.
  [[nodiscard]] Duration elapsed() const noexcept;
  [[nodiscard]] std::uint64_t answers() const noexcept { return answers_; }
  [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }

 private:
  friend class Slot;
  Task<> exchange(Conversation& conversation);
  Task<> connect_all(Group& group);
  Task<> connect(Slot& slot);
  Task<> drive(Group& group);
  Task<> watch_clock();
  void take_own_time();

  // For the slots:
  /// When the message `ordinal` of the slot `slot` is to begin, in an open loop.
  [[nodiscard]] TimePoint intended(std::size_t slot, std::uint64_t ordinal) const noexcept;
  [[nodiscard]] bool is_measured(TimePoint when) const noexcept {
    return when >= began_ && when < end_;
  }
  void note_intended(TimePoint when) noexcept;
  void note_unbegun(TimePoint intended);
  void note_answer(TimePoint intended, TimePoint when, const Answer& answer);
  void note_failure(TimePoint intended, TimePoint when, bool waited);
  void note_trouble(std::string kind, Status status, std::string example, std::uint64_t count);
  void note_trouble(const Error& error, const std::string& unfinished, std::uint64_t count);
  void note_connection(Duration took, TimePoint when);
  void note_tcp(const Conversation& conversation, std::uint32_t before);
  [[nodiscard]] Slice& slice_at(TimePoint when) noexcept;

  const BenchTarget& target_;
  const LoadOptions options_;
  OwnTime (*own_time_)();
  OpenTrouble open_trouble_;
  bool trouble_in_talk_ = false;
  std::string unfinished_;
  Address probed_;
  TimePoint start_{};  // of the warm-up
  TimePoint began_{};  // the measured time
  TimePoint end_{};
  OwnTime own_before_{};
  Group* running_ = nullptr;
  bool stopped_ = false;
  std::uint64_t answers_ = 0;
  std::uint64_t failures_ = 0;
  Semaphore connecting_{connecting_at_once_max};
  std::vector<std::unique_ptr<Slot>> slots_;
  LoadResult result_;
};

}  // namespace ieum::cli
