#include "bench/slot.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <ieum/timeout.hpp>

#include "bench/load.hpp"

namespace ieum::cli {

namespace {

constexpr int first_error_status = 400;

}  // namespace

bool Slot::is_open_loop() const noexcept { return load_.options_.rate > 0; }

Task<> Slot::connect() {
  OpenTrouble& trouble = load_.open_trouble_;
  const TimePoint begun = now();
  conversation_ =
      co_await with_timeout(load_.options_.timeout, Conversation::open(load_.target_, trouble));
  const TimePoint when = now();
  load_.note_connection(when - begun, when);
  retransmitted_before_ = 0;
}

void Slot::begin_measuring() {
  if (conversation_ == nullptr || load_.options_.fresh) return;
  const std::optional<TcpInfo> tcp = conversation_->tcp_info();
  retransmitted_before_ = tcp ? tcp->retransmits_total : 0;
}

void Slot::account() {
  if (conversation_ != nullptr) load_.note_tcp(*conversation_, retransmitted_before_);
}

Task<> Slot::run() { return load_.options_.fresh ? run_fresh() : run_held(); }

Task<TimePoint> Slot::wait_for_turn() {
  TimePoint when = now();
  if (when >= load_.end_) co_return TimePoint::max();
  if (!is_open_loop()) co_return when;
  const TimePoint due = load_.intended(number_, next_);
  if (due >= load_.end_) co_return TimePoint::max();
  if (due > when) {
    co_await sleep(due - when);
    when = now();
    if (load_.is_measured(due)) load_.result_.lateness.add(when - due);
  }
  co_return due;
}

void Slot::give_up_rest() {
  if (!is_open_loop()) return;
  for (;; ++next_) {
    const TimePoint due = load_.intended(number_, next_);
    if (due >= load_.end_) break;
    load_.note_unbegun(due);
  }
}

// ---- A connection that is held ------------------------------------------------------------------

namespace {

/// A class, not a lambda with captures: its task outlives the call.
struct Talk {
  Slot* slot;
  Task<> (Slot::*talk)(Group&);
  Task<> operator()(Group& group) const { return (slot->*talk)(group); }
};

}  // namespace

Task<> Slot::run_held() {
  for (;;) {
    if (conversation_ == nullptr) {
      const Result<> connected = co_await attempt(connect());
      if (!connected) {
        if (connected.error() == std::errc::operation_canceled) co_await fail(connected.error());
        if (now() >= load_.end_) break;
        load_.note_trouble(connected.error(), {}, 1);
        ++load_.failures_;
        co_await sleep(retry_pause);
        continue;
      }
    }
    sent_all_ = false;
    const std::uint64_t settled_before = settled_;
    const Result<> talked = co_await attempt(with_group(Talk{this, &Slot::talk}));
    if (talked && sent_all_) break;
    if (!talked) {
      if (talked.error() == std::errc::operation_canceled) co_await fail(talked.error());
      fail_all(talked.error());
    } else if (load_.is_measured(now())) {
      ++load_.result_.closes;
    }
    account();
    conversation_.reset();
    if (now() >= load_.end_) break;
    // A server that answers nothing is not to be asked as fast as we can.
    if (settled_ == settled_before) co_await sleep(retry_pause);
  }
  give_up_rest();
}

Task<> Slot::talk(Group& group) {
  group.start(send_all());
  co_await receive_all(group);
}

/// Puts the messages that are to begin at `when`, and that there is room for, under way.
std::size_t Slot::begin_messages(TimePoint when) {
  const std::size_t room = load_.options_.depth - under_way_.size();
  std::size_t count = 0;
  while (count < room) {
    TimePoint intended = when;
    if (is_open_loop()) {
      intended = load_.intended(number_, next_);
      if (intended > when || intended >= load_.end_) break;
      ++next_;
    }
    load_.note_intended(intended);
    under_way_.push_back({serial_++, intended, when});
    ++count;
  }
  return count;
}

Task<> Slot::send_all() {
  for (;;) {
    if (under_way_.size() >= load_.options_.depth) {
      has_room_.reset();
      co_await has_room_.wait();
      continue;
    }
    const TimePoint turn = co_await wait_for_turn();
    if (turn == TimePoint::max()) break;
    const std::uint64_t first = serial_;
    const std::size_t count = begin_messages(now());
    began_one_.set();
    co_await conversation_->send(first, count);
  }
  sent_all_ = true;
  began_one_.set();
}

Task<> Slot::receive_all(Group& group) {
  for (;;) {
    if (under_way_.empty()) {
      if (sent_all_) co_return;
      began_one_.reset();
      co_await began_one_.wait();
      continue;
    }
    const bool goes_on = co_await receive_once();
    if (!goes_on) {
      group.stop();
      co_return;
    }
    if (under_way_.size() < load_.options_.depth) has_room_.set();
  }
}

/// False once the server has said that it answers nothing more.
Task<bool> Slot::receive_once() {
  const bool has_numbers = load_.target_.protocol == Protocol::datagrams;
  const Duration left = under_way_.front().when + load_.options_.timeout - now();
  const Result<> received =
      co_await attempt(with_timeout(std::max(left, Duration(1)), conversation_->receive(answers_)));
  const TimePoint when = now();
  if (!received && (!has_numbers || received.error() != std::errc::timed_out)) {
    co_await fail(received.error());
  }
  for (const Answer& answer : answers_) {
    if (has_numbers) {
      settle_datagram(answer, when);
    } else if (under_way_.empty()) {
      const Error more = Error(std::errc::protocol_error, "receive", conversation_->peer_address())
                             .with_detail("more came than was asked for");
      co_await fail(more);
    } else {
      settle(answer, when);
    }
  }
  answers_.clear();
  if (has_numbers) expire(when);
  if (!conversation_->is_over()) co_return true;
  if (!under_way_.empty())
    co_await fail(Errc::end_of_stream, "receive", conversation_->peer_address());
  co_return false;
}

void Slot::settle(const Answer& answer, TimePoint when) {
  const Sent sent = under_way_.front();
  under_way_.pop_front();
  ++settled_;
  std::string kind;
  if (answer.status >= first_error_status) {
    kind = fmt::format("HTTP status {}", answer.status);
  } else if (load_.target_.answer_bytes > 0 && answer.bytes != load_.target_.answer_bytes) {
    kind =
        fmt::format("answers of {} bytes instead of {}", answer.bytes, load_.target_.answer_bytes);
  }
  if (kind.empty()) return load_.note_answer(sent.intended, when, answer);
  load_.note_trouble(kind, Status::other, kind, 1);
  load_.note_failure(sent.intended, when, false);
}

void Slot::settle_datagram(const Answer& answer, TimePoint when) {
  const auto place = std::ranges::find(under_way_, answer.number, &Sent::number);
  if (place == under_way_.end()) {
    ++load_.result_.strays;
    return;
  }
  std::iter_swap(place, under_way_.begin());
  settle(answer, when);
  std::ranges::sort(under_way_, {}, &Sent::number);
}

/// Datagrams that were lost, or their answers.
void Slot::expire(TimePoint now) {
  while (!under_way_.empty() && under_way_.front().when + load_.options_.timeout <= now) {
    load_.note_trouble("lost: no answer in time", Status::timed_out,
                       fmt::format("a datagram to {} was not answered in time",
                                   conversation_->peer_address().to_string()),
                       1);
    load_.note_failure(under_way_.front().intended, now, true);
    under_way_.pop_front();
  }
}

/// What was under way on a connection that has broken.
void Slot::fail_all(const Error& error) {
  const std::uint64_t count = std::max<std::size_t>(under_way_.size(), 1);
  load_.note_trouble(error, conversation_->unfinished(), count);
  const TimePoint when = now();
  for (const Sent& sent : under_way_) {
    load_.note_failure(sent.intended, when, error == std::errc::timed_out);
  }
  under_way_.clear();
  answers_.clear();
}

// ---- A connection for each message --------------------------------------------------------------

Task<> Slot::exchange_once(std::uint64_t number, std::vector<Answer>& answers) {
  co_await connect();
  co_await conversation_->send(number, 1);
  while (answers.empty()) co_await conversation_->receive(answers);
}

Task<> Slot::run_fresh() {
  for (;;) {
    const TimePoint turn = co_await wait_for_turn();
    if (turn == TimePoint::max()) break;
    const std::size_t begun = begin_messages(now());
    static_cast<void>(begun);  // one: there is room for one
    const Result<> exchanged = co_await attempt(
        with_timeout(load_.options_.timeout, exchange_once(under_way_.front().number, answers_)));
    if (!exchanged && exchanged.error() == std::errc::operation_canceled) {
      co_await fail(exchanged.error());
    }
    const bool is_connected = conversation_ != nullptr;
    if (exchanged) {
      settle(answers_.front(), now());
    } else if (is_connected) {
      fail_all(exchanged.error());
    } else {
      load_.note_trouble(exchanged.error(), {}, 1);
      load_.note_failure(under_way_.front().intended, now(),
                         exchanged.error() == std::errc::timed_out);
      under_way_.clear();
    }
    answers_.clear();
    if (is_connected) {
      account();
      const Result<> ended = co_await attempt(conversation_->end());
      if (!ended && ended.error() == std::errc::operation_canceled) co_await fail(ended.error());
      conversation_.reset();
    }
    if (!exchanged) co_await sleep(retry_pause);
  }
  give_up_rest();
}

}  // namespace ieum::cli
