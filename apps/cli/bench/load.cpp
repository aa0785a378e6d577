#include "bench/load.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include <ieum/timeout.hpp>

#include "bench/slot.hpp"
#include "report/reason.hpp"

namespace ieum::cli {

namespace {

Status status_of(const Error& error) {
  using enum std::errc;
  if (error == timed_out) return Status::timed_out;
  const std::string_view operation = error.operation();
  if (operation == "connect" || error == connection_refused) return Status::not_connected;
  return error == protocol_error || error == not_supported ? Status::other : Status::broken;
}

}  // namespace

Histogram LoadResult::latency() const {
  Histogram all;
  for (const Slice& slice : slices) all.add(slice.latency);
  return all;
}

std::uint64_t LoadResult::answers() const noexcept {
  std::uint64_t all = 0;
  for (const Slice& slice : slices) all += slice.answers;
  return all;
}

Load::Load(const BenchTarget& target, const LoadOptions& options, OwnTime (*own_time)())
    : target_(target), options_(options), own_time_(own_time) {}
Load::~Load() = default;

// ---- The first contact --------------------------------------------------------------------------

Task<> Load::exchange(Conversation& conversation) {
  co_await conversation.send(0, 1);
  std::vector<Answer> answers;
  while (answers.empty()) co_await conversation.receive(answers);
}

Task<> Load::probe() {
  trouble_in_talk_ = false;
  std::unique_ptr<Conversation> conversation =
      co_await with_timeout(options_.timeout, Conversation::open(target_, open_trouble_));
  trouble_in_talk_ = true;
  probed_ = conversation->peer_address();
  const Result<> exchanged =
      co_await attempt(with_timeout(options_.timeout, exchange(*conversation)));
  if (!exchanged) {
    unfinished_ = conversation->unfinished();
    co_await fail(exchanged.error());
  }
  const Result<> ended = co_await attempt(conversation->end());
  static_cast<void>(ended);  // what was to be known is known
}

// ---- The run ------------------------------------------------------------------------------------

Task<> Load::connect(Slot& slot) {
  const Semaphore::Permit permit = co_await connecting_.acquire();
  co_await slot.connect();
}

Task<> Load::connect_all(Group& group) {
  for (const std::unique_ptr<Slot>& slot : slots_) group.start(connect(*slot));
  co_return;
}

/// Tells the slots when the measured time begins, and takes the processor's time at both its ends.
Task<> Load::watch_clock() {
  co_await sleep(began_ - now());
  for (const std::unique_ptr<Slot>& slot : slots_) slot->begin_measuring();
  if (own_time_ != nullptr) own_before_ = own_time_();
  co_await sleep(end_ - now());
  take_own_time();
}

void Load::take_own_time() {
  if (own_time_ == nullptr) return;
  const OwnTime own = own_time_();
  result_.own = {.used = own.used - own_before_.used, .waited = own.waited - own_before_.waited};
}

Task<> Load::drive(Group& group) {
  running_ = &group;
  group.start(watch_clock());
  for (const std::unique_ptr<Slot>& slot : slots_) group.start(slot->run());
  co_return;
}

Task<> Load::run() {
  slots_.clear();
  for (std::size_t i = 0; i < options_.connections; ++i) {
    slots_.push_back(std::make_unique<Slot>(*this, i));
  }
  if (!options_.fresh) {
    auto connecting = [this](Group& group) { return connect_all(group); };
    co_await with_group(connecting);
  }
  start_ = now();
  began_ = start_ + options_.warmup;
  end_ = began_ + options_.duration;
  auto driving = [this](Group& group) { return drive(group); };
  const Result<> driven = co_await attempt(with_group(driving));
  running_ = nullptr;
  result_.measured = std::max(Duration::zero(), end_ - began_);
  if (!driven && !stopped_) co_await fail(driven.error());
  for (const std::unique_ptr<Slot>& slot : slots_) slot->account();
}

void Load::stop() {
  if (running_ == nullptr || stopped_) return;
  stopped_ = true;
  const TimePoint when = now();
  if (when < end_) {
    end_ = when;
    if (when > began_) take_own_time();
  }
  running_->stop();
}

Duration Load::elapsed() const noexcept {
  return start_ == TimePoint{} ? Duration::min() : now() - began_;
}

// ---- What the slots tell ------------------------------------------------------------------------

TimePoint Load::intended(std::size_t slot, std::uint64_t ordinal) const noexcept {
  // The slots take turns.
  const auto place = static_cast<long double>(slot) +
                     static_cast<long double>(ordinal) * static_cast<long double>(slots_.size());
  return start_ + Duration(std::llround(place * 1e9L / static_cast<long double>(options_.rate)));
}

Slice& Load::slice_at(TimePoint when) noexcept {
  const auto part =
      static_cast<std::size_t>((when - began_) / (options_.duration / LoadResult::slices_max));
  return result_.slices[std::min(part, result_.slices.size() - 1)];
}

void Load::note_intended(TimePoint when) noexcept {
  if (is_measured(when)) ++result_.intended;
}

void Load::note_unbegun(TimePoint intended) {
  if (!is_measured(intended)) return;
  ++result_.intended;
  ++result_.unbegun;
  slice_at(intended).latency.add(end_ - intended);
}

void Load::note_answer(TimePoint intended, TimePoint when, const Answer& answer) {
  ++answers_;
  if (is_measured(intended)) slice_at(intended).latency.add(when - intended);
  if (!is_measured(when)) return;
  Slice& slice = slice_at(when);
  ++slice.answers;
  slice.bytes_received += answer.bytes;
  slice.bytes_sent += target_.message.size();
}

void Load::note_failure(TimePoint intended, TimePoint when, bool waited) {
  ++failures_;
  if (!is_measured(intended)) return;
  ++result_.unanswered;
  // It took at least so long: leaving it out would make the server look faster.
  if (waited) slice_at(intended).latency.add(when - intended);
}

void Load::note_trouble(std::string kind, Status status, std::string example, std::uint64_t count) {
  if (result_.troubles.size() >= troubles_max && !result_.troubles.contains(kind)) {
    kind = "others";
  }
  Trouble& trouble = result_.troubles[std::move(kind)];
  if (trouble.count == 0) {
    trouble.status = status;
    trouble.example = std::move(example);
  }
  trouble.count += count;
}

void Load::note_trouble(const Error& error, const std::string& unfinished, std::uint64_t count) {
  std::string kind;
  if (error == Errc::end_of_stream || error == Errc::cut_off) {
    kind = "the server closed the connection before it had answered";
  } else if (error == std::errc::timed_out) {
    kind = "no answer in time";
  } else {
    kind = fmt::format("{}: {}", error.operation(), reason_of(error.code()));
    if (!error.detail().empty()) kind.append(": ").append(error.detail());
  }
  std::string example = error.to_string();
  if (!unfinished.empty()) example.append("; ").append(unfinished);
  note_trouble(std::move(kind), status_of(error), std::move(example), count);
}

void Load::note_connection(Duration took, TimePoint when) {
  if (is_measured(when)) result_.connecting.add(took);
}

void Load::note_tcp(const Conversation& conversation, std::uint32_t before) {
  const std::optional<TcpInfo> tcp = conversation.tcp_info();
  if (!tcp) return;
  if (tcp->retransmits_total > before) result_.retransmissions += tcp->retransmits_total - before;
  if (tcp->rtt_min) result_.round_trips.push_back(*tcp->rtt_min);
}

}  // namespace ieum::cli
