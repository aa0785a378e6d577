// ByteFlow: one direction of a stream: which sends the bytes of a receive come from.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "trace/event.hpp"

namespace ieum::cli::trace {

class ByteFlow {
 public:
  struct Send {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    Time at{};
    int tid = 0;
    bool is_under_way = false;   ///< it has not returned, and so how much it takes is not known
    bool was_held_back = false;  ///< the system kept it although the peer would have taken it
  };
  /// At most so many that were not received are kept; of older ones nothing is said.
  static constexpr std::size_t sends_max = 4096;

  /// A send that takes long: its bytes may be received before it returns.
  void begin_send(Time at, int tid, std::int64_t bytes) {
    const auto offered = static_cast<std::uint64_t>(bytes < 0 ? std::int64_t{1} << 40U : bytes);
    add({.begin = sent_, .end = sent_ + offered, .at = at, .tid = tid, .is_under_way = true});
  }
  /// It took so many bytes.
  const Send& sent(Time at, int tid, std::uint64_t bytes, bool was_held_back) {
    if (!sends_.empty() && sends_.back().is_under_way && sends_.back().tid == tid) {
      Send& last = sends_.back();
      last.end = last.begin + bytes;
      last.is_under_way = false;
      sent_ = last.end;
      return last;
    }
    add({.begin = sent_,
         .end = sent_ + bytes,
         .at = at,
         .tid = tid,
         .was_held_back = was_held_back});
    return sends_.back();
  }
  /// A send that had begun has failed.
  void failed(int tid) {
    if (sends_.empty() || !sends_.back().is_under_way || sends_.back().tid != tid) return;
    sent_ = sends_.back().begin;
    sends_.pop_back();
  }

  /// The sends that the next `bytes` come from. With `peeks` they stay.
  std::vector<Send> received(std::uint64_t bytes, bool peeks) {
    std::vector<Send> from;
    const std::uint64_t end = received_ + bytes;
    for (const Send& send : sends_) {
      if (send.begin < end && send.end > received_) from.push_back(send);
    }
    if (peeks) return from;
    received_ = end;
    while (!sends_.empty() && sends_.front().end <= received_ && !sends_.front().is_under_way) {
      sends_.pop_front();
    }
    return from;
  }

  [[nodiscard]] std::uint64_t sent_bytes() const noexcept { return sent_; }
  [[nodiscard]] std::uint64_t received_bytes() const noexcept { return received_; }

 private:
  void add(const Send& send) {
    sent_ = send.end;
    sends_.push_back(send);
    if (sends_.size() > sends_max) sends_.pop_front();
  }

  std::deque<Send> sends_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace ieum::cli::trace
