#include "ends/pass_between.hpp"

#include <algorithm>
#include <memory>

#include <ieum/finally.hpp>
#include <ieum/group.hpp>

#include "session/idle_timeout.hpp"

namespace ieum::cli {

namespace {

/// Of a stream; a datagram is at most as large.
constexpr std::size_t buffer_bytes = std::size_t{64} * 1024;

/// One direction.
struct Flow {
  PassSide from;
  PassSide to;
  std::uint64_t bytes = 0;
  std::uint64_t discarded = 0;
  bool waits = false;  // for what comes
  bool has_ended = false;
  EventLog::Clock::time_point last_read = EventLog::Clock::now();
};

class Passage {
 public:
  Passage(PassSide a, PassSide b, const PassOptions& options)
      : options_(options), a_to_b_{a, b}, b_to_a_{b, a}, last_activity_(EventLog::Clock::now()) {}

  Task<PassResult> run();

 private:
  Task<> pass_in_time();
  Task<> pass_beside();
  Task<> run_beside(Group& group);
  Task<> pass_both();
  Task<> both_ways(Group& group);
  Task<> pass(Group& group, Flow& flow, Flow& back);
  Task<bool> copy(Group& group, Flow& flow);
  Task<bool> pass_on(Group& group, Flow& flow, ConstBuffer data, bool& wanted);
  Task<> wait_until_silent(Flow& flow);
  Task<> close_both();
  Task<> close_end(PassSide side);
  void broke(Group& group, const PassSide& side, Stage stage, const Error& error);
  void note_activity() noexcept { last_activity_ = EventLog::Clock::now(); }

  PassOptions options_;
  Flow a_to_b_;
  Flow b_to_a_;
  EventLog::Clock::time_point last_activity_;
  PassResult result_;
  bool is_over_ = false;  // well
};

Task<PassResult> Passage::run() {
  auto cleanup = [this] { return close_both(); };
  co_await finally(pass_in_time(), cleanup);
  result_.a_to_b = a_to_b_.bytes;
  result_.b_to_a = b_to_a_.bytes;
  result_.discarded = a_to_b_.discarded + b_to_a_.discarded;
  co_return result_;
}

Task<> Passage::pass_in_time() {
  const Result<> passed =
      co_await attempt(with_idle_timeout(pass_beside(), last_activity_, options_.idle));
  if (!passed && passed.error() != std::errc::timed_out) co_await fail(passed.error());
  if (!passed) result_.reason = EndReason::idle;
  if (passed && result_.reason == EndReason::running) result_.reason = EndReason::both_finished;
  is_over_ = !result_.error;
}

Task<> Passage::pass_beside() {
  auto body = [this](Group& group) { return run_beside(group); };
  co_await with_group(body);
}

Task<> Passage::run_beside(Group& group) {
  group.start(a_to_b_.from.end.accompany());
  group.start(b_to_a_.from.end.accompany());
  co_await pass_both();
  group.stop();
}

Task<> Passage::pass_both() {
  auto body = [this](Group& group) { return both_ways(group); };
  co_await with_group(body);
}

Task<> Passage::both_ways(Group& group) {
  if (a_to_b_.from.end.gives()) group.start(pass(group, a_to_b_, b_to_a_));
  if (b_to_a_.from.end.gives()) group.start(pass(group, b_to_a_, a_to_b_));
  co_return;
}

void Passage::broke(Group& group, const PassSide& side, Stage stage, const Error& error) {
  if (side.events != nullptr) side.events->broken(error);
  if (!result_.error) {
    result_.reason = EndReason::broken;
    result_.error = error;
    result_.stage = stage;
    result_.broken = &side.end;
  }
  group.stop();
}

Task<> Passage::pass(Group& group, Flow& flow, Flow& back) {
  const bool ended = co_await copy(group, flow);
  if (!ended) co_return;
  flow.has_ended = true;
  End& from = flow.from.end;
  End& to = flow.to.end;
  if (flow.from.events != nullptr) flow.from.events->peer_finished();
  const Result<bool> told = co_await attempt(to.finish());
  if (!told && told.error() == std::errc::operation_canceled) co_await fail(told.error());
  // If it cannot be told it has broken, as reading will show.
  if (told && *told && flow.to.events != nullptr) flow.to.events->half_closed();
  const bool over = co_await from.is_over();
  if (over) {
    result_.reason = EndReason::command_ended;
    group.stop();
  } else if (!to.has_end() && to.gives() && !back.has_ended) {
    co_await wait_until_silent(back);
    group.stop();
  }
}

/// Until the end of what comes; false: something broke.
Task<bool> Passage::copy(Group& group, Flow& flow) {
  // What comes as messages stays whole; what goes as messages is cut to their size.
  const std::size_t cut = flow.from.end.message_bytes_max() > 0
                              ? buffer_bytes
                              : std::max<std::size_t>(flow.to.end.message_bytes_max(), 0);
  const std::size_t size = cut == 0 ? buffer_bytes : std::min(cut, buffer_bytes);
  const auto room = std::make_unique_for_overwrite<std::byte[]>(size);
  bool wanted = flow.to.end.takes();
  for (;;) {
    flow.waits = true;
    const Result<std::optional<std::size_t>> count =
        co_await attempt(flow.from.end.read(std::span(room.get(), size)));
    flow.waits = false;
    if (!count) {
      if (count.error() == std::errc::operation_canceled) co_await fail(count.error());
      broke(group, flow.from, Stage::receiving, count.error());
      co_return false;
    }
    if (!*count) co_return true;
    flow.last_read = EventLog::Clock::now();
    note_activity();
    if (flow.from.events != nullptr) flow.from.events->received(**count);
    const bool went = co_await pass_on(group, flow, ConstBuffer(room.get(), **count), wanted);
    if (!went) co_return false;
  }
}

/// False: something broke. If nobody wants it, it is still read, so that one learns of the end.
Task<bool> Passage::pass_on(Group& group, Flow& flow, ConstBuffer data, bool& wanted) {
  do {
    if (!wanted) {
      flow.discarded += data.size();
      co_return true;
    }
    const Result<std::optional<std::size_t>> count = co_await attempt(flow.to.end.write(data));
    note_activity();
    if (!count) {
      if (count.error() == std::errc::operation_canceled) co_await fail(count.error());
      broke(group, flow.to, Stage::sending, count.error());
      co_return false;
    }
    wanted = count->has_value();
    if (!wanted) continue;
    flow.bytes += **count;
    if (flow.to.events != nullptr) flow.to.events->sent(**count);
    data = data.subspan(**count);
  } while (!data.empty());
  co_return true;
}

/// While something is under way it is not silent, however long that takes.
Task<> Passage::wait_until_silent(Flow& flow) {
  flow.last_read = std::max(flow.last_read, EventLog::Clock::now());
  for (;;) {
    co_await wait_until_idle(flow.last_read, options_.linger);
    if (flow.waits || flow.has_ended) co_return;
    flow.last_read = EventLog::Clock::now();
  }
}

Task<> Passage::close_both() {
  co_await close_end(b_to_a_.from);
  co_await close_end(a_to_b_.from);
}

Task<> Passage::close_end(PassSide side) {
  Task<> closing = is_over_ ? side.end.close() : side.end.abort();
  const Result<> closed = co_await attempt(std::move(closing));
  if (closed || !is_over_) co_return;
  if (closed.error() == std::errc::operation_canceled) co_await fail(closed.error());
  is_over_ = false;
  result_.reason = EndReason::broken;
  result_.error = closed.error();
  result_.stage = Stage::sending;
  result_.broken = &side.end;
}

}  // namespace

Task<PassResult> pass_between(PassSide a, PassSide b, PassOptions options) {
  Passage passage(a, b, options);
  const PassResult result = co_await passage.run();
  co_return result;
}

}  // namespace ieum::cli
