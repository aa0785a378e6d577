#include "datagram_talk.hpp"

#include <optional>

#include <fmt/format.h>

#include <ieum/ieum.hpp>

#include "conversation.hpp"
#include "datagram_settings.hpp"
#include "quantity.hpp"

namespace ieum::cli {

namespace {

using Service = ListenCommand::Service;
using Clock = Life::Clock;

/// Of our input in a datagram: what an Ethernet frame holds; a Unix socket's may be larger.
constexpr std::size_t udp_bytes_max = 1472;
constexpr std::size_t unix_bytes_max = std::size_t{16} * 1024;
constexpr Duration glance = std::chrono::milliseconds(20);

class DatagramTalk {
 public:
  /// `listens`: the peer may say more at any time, so our input's end is not the end.
  DatagramTalk(DatagramSocket& socket, LocalEnds& ends, const CommonOptions& options, Life& life,
               bool listens)
      : socket_(socket), ends_(ends), options_(options), life_(life), listens_(listens) {}

  /// Both ways, with a socket that has its peer.
  Task<> converse() {
    auto body = [this](Group& group) { return converse_in(group); };
    co_await with_group(body);
  }
  /// Waits for the first datagram, whose sender becomes the peer.
  Task<> wait_for_peer() {
    const Datagram first = co_await receive_one();
    co_await take(first);
    if (first.peer.family() != Family::none) co_await socket_.set_peer(first.peer);
  }
  /// Takes what comes, from anybody; `echoes`: and sends it back.
  Task<> serve(Service service) {
    for (;;) {
      const Datagram datagram = co_await receive_one();
      if (service == Service::talk) {
        co_await take(datagram);
        continue;
      }
      life_.received(datagram.data.size());
      if (service != Service::echo || datagram.peer.family() == Family::none) continue;
      // One that cannot be answered is no reason to leave the others alone.
      const Result<> sent = co_await attempt(socket_.send(datagram));
      if (sent) life_.sent(datagram.data.size());
    }
  }

  [[nodiscard]] Doing doing() const noexcept { return doing_; }

 private:
  Task<> converse_in(Group& group) {
    group.start(receive());
    co_await send();
    life_.input_ended();
    if (!listens_ && options_.talk.on_eof == OnEof::half_close) {
      // Until nothing has come for a while.
      while (Clock::now() - last_ < options_.talk.linger) co_await sleep(glance);
    }
    if (options_.talk.on_eof == OnEof::keep || listens_) co_return;  // the receiving goes on
    group.stop();
  }

  Task<> send() {
    const bool is_unix = socket_.address().is_unix() || socket_.peer_address().is_unix();
    std::vector<std::byte> buffer(is_unix ? unix_bytes_max : udp_bytes_max);
    for (;;) {
      const Result<std::size_t> count = co_await attempt(ends_.input.read_some(buffer));
      if (!count) co_await fail_at(Doing::reading_input, count.error());
      last_ = Clock::now();
      if (*count == 0) co_return;
      const ConstBuffer data = ConstBuffer(buffer).first(*count);
      const Result<> sent = co_await attempt(socket_.send(data));
      if (!sent) co_await fail_at(Doing::sending, sent.error());
      life_.sent(data.size());
      co_await show(Side::sent, data);
    }
  }
  Task<> receive() {
    for (;;) {
      const Datagram datagram = co_await receive_one();
      last_ = Clock::now();
      co_await take(datagram);
    }
  }
  /// With the limit of -i, which what we send prolongs.
  Task<Datagram> receive_one() {
    const Duration idle = options_.talk.idle;
    const Duration limit = idle > Duration::zero() ? idle : std::chrono::hours(24);
    for (;;) {
      const Result<Datagram> got = co_await attempt(with_timeout(limit, socket_.receive(room_)));
      if (got) co_return *got;
      const bool timed_out = got.error() == std::errc::timed_out;
      if (timed_out && (idle == Duration::zero() || Clock::now() - last_ < idle)) continue;
      doing_ = Doing::receiving;
      co_return fail(got.error());
    }
  }
  Task<> take(Datagram datagram) {
    life_.received(datagram.data.size());
    co_await show(Side::received, datagram.data);
  }
  Task<> show(Side side, ConstBuffer data) {
    const Result<> written = co_await attempt(ends_.output.write(side, data));
    if (!written) co_await fail_at(Doing::writing_output, written.error());
  }
  Task<> fail_at(Doing doing, Error error) {
    doing_ = doing;
    co_await fail(error);
  }

  DatagramSocket& socket_;
  LocalEnds& ends_;
  const CommonOptions& options_;
  Life& life_;
  bool listens_;
  Doing doing_ = Doing::receiving;
  Clock::time_point last_ = Clock::now();
  std::vector<std::byte> room_ = std::vector<std::byte>(Datagram::bytes_max + 21);
};

/// Where an endpoint is: the first address of a name.
Task<Address> address_of(const CommonOptions& options) {
  const Result<Address> literal = Address::parse(options.endpoint.place);
  if (literal) co_return *literal;
  const HostPort where = split_place(options.endpoint.place);
  ResolveOptions how;
  how.family = options.family;
  how.timeout = options.wait;
  const std::vector<Address> found = co_await resolve(where.host, where.port, how);
  co_return found.front();
}

/// How it ended, as an exit status.
Task<int> finish(const Result<>& done, DatagramTalk& talk, LocalEnds& ends,
                 const CommonOptions& options, Life& life, Interruption& interruption) {
  int status = 0;
  Ending ending = Ending::input_ended;
  if (interruption.has_come()) {
    status = interrupted(life, interruption);
    ending = Ending::interrupted;
  } else if (!done && done.error() == std::errc::timed_out) {
    status = life.log().failed(
        {Status::timed_out, fmt::format("nothing came or went for {} (-i); {}",
                                        to_text(options.talk.idle), life.summary())});
    ending = Ending::idle;
  } else if (!done && done.error() == std::errc::connection_refused) {
    status = life.log().failed(
        {Status::not_connected, done.error().to_string() + "; nobody has that port"});
    ending = Ending::broken;
  } else if (!done) {
    const Circumstances about{.where = ends.output.where()};
    status = life.log().failed(explain_failure(talk.doing(), done.error(), about));
    ending = Ending::broken;
  }
  life.closed(ending);
  const Result<> finished = co_await attempt(ends.output.finish());
  if (!finished && status == 0) {
    const Circumstances about{.where = ends.output.where()};
    co_return life.log().failed(explain_failure(Doing::writing_output, finished.error(), about));
  }
  co_return status;
}

Task<DatagramSocket> open_to(const CommonOptions& options) {
  const Address to = co_await address_of(options);
  DatagramSocket socket = co_await DatagramSocket::connect(to, datagram_options(options.endpoint));
  co_await apply_settings(socket, options.endpoint);
  co_return socket;
}

Task<DatagramSocket> open_at(const CommonOptions& options) {
  const Address at = co_await address_of(options);
  DatagramSocket socket = co_await DatagramSocket::bind(at, datagram_options(options.endpoint));
  co_await apply_settings(socket, options.endpoint);
  co_return socket;
}

Task<> listen_and_talk(DatagramTalk& talk, const ListenCommand& command) {
  if (command.keep) {
    co_await talk.serve(command.service);
    co_return;
  }
  if (command.service == Service::talk) {
    co_await talk.wait_for_peer();
    co_await talk.converse();
    co_return;
  }
  co_await talk.serve(command.service);
}

}  // namespace

Task<int> connect_datagrams(const ConnectCommand& command, Log& log, Interruption& interruption) {
  Life life(log);
  Result<LocalEnds> ends = open_local_ends(command.common, log);
  if (!ends) co_return static_cast<int>(Status::other);
  Result<DatagramSocket> socket =
      co_await attempt(unless_interrupted(open_to(command.common), interruption));
  if (!socket && interruption.has_come()) co_return interrupted(life, interruption);
  if (!socket) {
    const std::string where = command.common.endpoint.to_string();
    const Circumstances about{.where = where, .limit = command.common.wait};
    co_return log.failed(explain_failure(Doing::connecting, socket.error(), about));
  }
  life.bound(socket->address());
  DatagramTalk talk(*socket, *ends, command.common, life, false);
  const Result<> done = co_await attempt(unless_interrupted(talk.converse(), interruption));
  const int status = co_await finish(done, talk, *ends, command.common, life, interruption);
  co_return status;
}

Task<int> listen_datagrams(const ListenCommand& command, Log& log, Interruption& interruption) {
  Life life(log);
  Result<LocalEnds> ends = open_local_ends(command.common, log);
  if (!ends) co_return static_cast<int>(Status::other);
  Result<DatagramSocket> socket =
      co_await attempt(unless_interrupted(open_at(command.common), interruption));
  if (!socket && interruption.has_come()) co_return interrupted(life, interruption);
  if (!socket) {
    const std::string where = command.common.endpoint.to_string();
    const Circumstances about{.where = where};
    co_return log.failed(explain_failure(Doing::listening, socket.error(), about));
  }
  life.bound(socket->address());
  const bool goes_on = command.common.talk.on_eof != OnEof::close;
  DatagramTalk talk(*socket, *ends, command.common, life, goes_on);
  const Result<> done =
      co_await attempt(unless_interrupted(listen_and_talk(talk, command), interruption));
  const int status = co_await finish(done, talk, *ends, command.common, life, interruption);
  co_return status;
}

}  // namespace ieum::cli
