#include "crowd.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "quantity.hpp"

namespace ieum::cli {

Crowd::Crowd(LocalEnds& ends, const CommonOptions& options, Log& log)
    : ends_(ends), options_(options), log_(log) {}

bool Crowd::has_room() const noexcept {
  return std::ranges::any_of(
      members_, [](const Member* member) { return member->queued_bytes < queue_bytes_min; });
}

Task<> Crowd::read_input() {
  constexpr std::size_t chunk_bytes = std::size_t{64} * 1024;
  std::vector<std::byte> buffer(chunk_bytes);
  for (;;) {
    while (!has_room()) {
      room_.reset();
      co_await room_.wait();
    }
    const std::size_t count = co_await ends_.input.read_some(buffer);
    if (count == 0) break;
    send_to_all(std::make_shared<const std::vector<std::byte>>(
        buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count)));
  }
  input_ended_ = true;
  for (Member* member : members_) member->changed.set();
}

void Crowd::send_to_all(const Chunk& chunk) {
  for (Member* member : members_) {
    if (member->too_slow || member->leaving) continue;
    if (member->queued_bytes + chunk->size() > queue_bytes_max) {
      member->too_slow = true;
      member->group->stop();
    } else {
      member->queue.push_back(chunk);
      member->queued_bytes += chunk->size();
      member->changed.set();
    }
  }
}

Task<Ending> Crowd::serve(StreamSocket& client, Life& life) {
  Member member;
  auto body = [&](Group& group) { return serve_in(group, client, member, life); };
  const Result<> served = co_await attempt(with_group(body));
  if (member.too_slow) {
    const std::string who = client.peer_address().to_string();
    log_.notice({"too_slow",
                 fmt::format("cut off {}: it does not read, and {} wait for it",
                             who.empty() ? "a client" : who, bytes_text(member.queued_bytes)),
                 {},
                 {{"peer", who}}});
    co_await client.reset();
    co_return Ending::too_slow;
  }
  if (!served) co_await fail(served.error());
  co_await client.close();
  co_return Ending::both_finished;
}

Task<> Crowd::serve_in(Group& group, StreamSocket& client, Member& member, Life& life) {
  member.group = &group;
  struct Membership {
    Crowd& crowd;
    Member& member;
    Membership(Crowd& of, Member& who) : crowd(of), member(who) {
      crowd.members_.push_back(&member);
      crowd.room_.set();
    }
    Membership(const Membership&) = delete;
    Membership& operator=(const Membership&) = delete;
    ~Membership() {
      std::erase(crowd.members_, &member);
      crowd.room_.set();
    }
  };
  const Membership membership(*this, member);
  group.start(receive(client, member, life));
  co_await send(client, member, life);
  group.stop();
}

Task<> Crowd::receive(StreamSocket& client, Member& member, Life& life) {
  for (;;) {
    const Lease data = co_await client.receive();
    if (!data) break;
    life.received(data.size());
    const Result<> written = co_await attempt(ends_.output.write(Side::received, data));
    if (written) continue;
    if (written.error() == std::errc::operation_canceled) co_await fail(written.error());
    if (!output_error_) output_error_ = written.error();
    output_failed_.set();
    break;
  }
  life.peer_finished();
  member.leaving = true;
  member.changed.set();
}

/// Sends what is queued, until the client has finished.
Task<> Crowd::send(StreamSocket& client, Member& member, Life& life) {
  bool told_end = false;
  for (;;) {
    member.changed.reset();
    if (!member.queue.empty()) {
      co_await send_front(client, member, life);
      continue;
    }
    if (member.leaving) co_return;
    if (input_ended_ && !told_end && options_.talk.on_eof == OnEof::half_close) {
      co_await client.shutdown_write();
      life.half_closed();
      told_end = true;
    }
    co_await member.changed.wait();
  }
}

Task<> Crowd::send_front(StreamSocket& client, Member& member, Life& life) {
  const Chunk chunk = member.queue.front();
  member.queue.pop_front();
  co_await client.write_all(*chunk);
  life.sent(chunk->size());
  member.queued_bytes -= chunk->size();
  room_.set();
}

}  // namespace ieum::cli
