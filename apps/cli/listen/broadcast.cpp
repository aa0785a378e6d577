#include "listen/broadcast.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <ieum/timeout.hpp>

#include "session/idle_timeout.hpp"
#include "text/line_ends.hpp"
#include "text/units.hpp"

namespace ieum::cli {

Broadcast::Broadcast(LocalStreams& streams, const CommonOptions& options, Relaying relaying,
                     Log& log)
    : streams_(streams), options_(options), relaying_(relaying), log_(log) {}

bool Broadcast::has_said_all() const noexcept {
  return input_ended_ && (relaying_ == Relaying::none || options_.session.on_eof == OnEof::close);
}

bool Broadcast::has_room() const noexcept {
  return std::ranges::any_of(members_, [](const Member* member) {
    return !member->queue.is_closed() && member->queue.bytes() < queue_bytes_min;
  });
}

Task<> Broadcast::until_room() {
  while (!has_room()) {
    room_.reset();
    co_await room_.wait();
  }
}

Task<> Broadcast::read_input() {
  constexpr std::size_t chunk_bytes = std::size_t{64} * 1024;
  std::vector<std::byte> buffer(chunk_bytes);
  LineEnds line_ends;
  for (;;) {
    co_await until_room();
    const std::size_t count = co_await streams_.input.read_some(buffer);
    if (count == 0) break;
    co_await until_room();  // the last one may have left meanwhile
    ConstBuffer data = ConstBuffer(buffer).first(count);
    if (options_.session.crlf) data = line_ends.to_crlf(data);
    send_to_all(Payload(data));
  }
  input_ended_ = true;
  if (!has_said_all()) co_return;
  for (Member* member : members_) member->queue.close();
}

void Broadcast::send_to_all(const Payload& payload, const Member* except) {
  for (Member* member : members_) {
    if (member == except || member->finished.is_set() || member->queue.try_push(payload)) continue;
    // Its writing is stuck, so it cannot learn this from its queue.
    disconnect(*member, EndReason::too_slow);
  }
}

void Broadcast::disconnect(Member& member, EndReason reason) {
  if (member.reason == EndReason::client_finished) member.reason = reason;
  member.group->stop();
}

void Broadcast::lose_output(const Error& error) {
  if (!output_error_) output_error_ = error;
  output_failed_.set();
}

Task<EndReason> Broadcast::serve(Connection& connection, EventLog& events) {
  Stream& client = connection.stream();
  Member member(options_.rendering, fmt::format("{}", events.number()));
  auto body = [&](Group& group) { return serve_in(group, connection, member, events); };
  const Result<> served = co_await attempt(with_group(body));
  if (member.reason == EndReason::too_slow) {
    report_too_slow(client);
    co_await client.reset();
    co_return member.reason;
  }
  if (!served && member.reason == EndReason::client_finished) co_await fail(served.error());
  co_await client.close();
  co_return member.reason;
}

void Broadcast::report_too_slow(const Stream& client) {
  const std::string who = client.peer_address().to_string();
  log_.notice({"too_slow",
               fmt::format("disconnected {}: it is not reading, and {} are waiting for it",
                           who.empty() ? "a client" : who, format_bytes(queue_bytes_max)),
               {},
               {{"peer", who}}});
}

Task<> Broadcast::serve_in(Group& group, Connection& connection, Member& member, EventLog& events) {
  member.group = &group;
  struct Membership {
    Broadcast& broadcast;
    Member& member;
    Membership(Broadcast& of, Member& who) : broadcast(of), member(who) {
      broadcast.members_.push_back(&member);
      broadcast.room_.set();
    }
    Membership(const Membership&) = delete;
    Membership& operator=(const Membership&) = delete;
    ~Membership() {
      std::erase(broadcast.members_, &member);
      broadcast.room_.set();
    }
  };
  const Membership membership(*this, member);
  if (has_said_all()) member.queue.close();
  group.start(receive(connection.stream(), member, events));
  if (options_.session.idle > Duration::zero()) group.start(watch_idle(member));
  co_await send(connection, member, events);
  group.stop();
}

Task<> Broadcast::receive(Stream& client, Member& member, EventLog& events) {
  for (;;) {
    const Lease data = co_await client.receive();
    if (!data) break;
    member.last_activity = EventLog::Clock::now();
    events.received(data.size());
    if (relaying_ == Relaying::to_others) send_to_all(Payload(data), &member);
    const Result<> written =
        co_await attempt(streams_.output.write(member.rendering, Side::received, data));
    if (written) continue;
    if (written.error() == std::errc::operation_canceled) co_await fail(written.error());
    lose_output(written.error());
    break;
  }
  events.peer_finished();
  member.finished.set();
  member.queue.close();  // what waits in it is still sent
}

/// Sends what is queued, until the client has finished.
Task<> Broadcast::send(Connection& connection, Member& member, EventLog& events) {
  Stream& client = connection.stream();
  for (;;) {
    const Result<Payload> next = co_await attempt(member.queue.pop());
    if (!next && next.error() == Errc::closed) break;
    if (!next) co_await fail(next.error());
    co_await client.write_all(next->bytes());
    member.last_activity = EventLog::Clock::now();
    events.sent(next->size());
    if (member.rendering.shows_both()) {
      co_await streams_.output.write(member.rendering, Side::sent, next->bytes());
    }
    room_.set();
  }
  const bool we_end = input_ended_ && options_.session.on_eof == OnEof::close;
  if (!member.finished.is_set() && (we_end || options_.session.on_eof == OnEof::half_close)) {
    co_await client.shutdown_write();
    events.half_closed();
  }
  if (we_end) {
    member.reason = EndReason::input_ended;
    if (!client.peer_address().is_ip()) co_return;
    // At most so long: the system goes on sending.
    const Result<> arrived = co_await attempt(
        with_timeout(std::chrono::seconds(5), connection.socket().wait_acknowledged()));
    if (!arrived && arrived.error() != std::errc::timed_out) co_await fail(arrived.error());
    co_return;
  }
  co_await member.finished.wait();
}

Task<> Broadcast::watch_idle(Member& member) {
  co_await wait_until_idle(member.last_activity, options_.session.idle);
  disconnect(member, EndReason::idle);
}

}  // namespace ieum::cli
