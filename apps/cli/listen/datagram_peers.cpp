#include "listen/datagram_peers.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "listen/services.hpp"
#include "session/datagram_session.hpp"
#include "session/run_session.hpp"

namespace ieum::cli {

/// What has come from it waits here; what goes to it leaves by the socket of all.
class DatagramPeers::Peer final : public End {
 public:
  Peer(DatagramPeers& of, Address peer, Address local)
      : of_(of), peer_(std::move(peer)), local_(std::move(local)) {}

  /// False: there is no room.
  bool put(ConstBuffer data) {
    if (queue_.size() >= queue_datagrams_max || bytes_ + data.size() > queue_bytes_max) {
      return false;
    }
    queue_.emplace_back(data.begin(), data.end());
    bytes_ += data.size();
    arrived_.set();
    return true;
  }

  Task<std::optional<std::size_t>> read(std::span<std::byte> into) override {
    while (queue_.empty()) {
      arrived_.reset();
      co_await arrived_.wait();
    }
    const std::vector<std::byte> datagram = std::move(queue_.front());
    queue_.pop_front();
    bytes_ -= datagram.size();
    const std::size_t count = std::min(datagram.size(), into.size());
    std::ranges::copy(std::span(datagram).first(count), into.begin());
    co_return count;
  }
  Task<std::optional<std::size_t>> write(ConstBuffer data) override {
    const Mutex::Lock lock = co_await of_.sending_.lock();
    Datagram datagram;
    datagram.data = data;
    datagram.peer = peer_;
    datagram.local = local_;
    co_await of_.socket_.send(datagram);
    co_return data.size();
  }
  Task<bool> finish() override { co_return false; }
  Task<> close() override { co_return; }
  [[nodiscard]] bool has_end() const noexcept override { return false; }
  [[nodiscard]] std::size_t message_bytes_max() const noexcept override {
    return of_.command_.common.datagram_bytes;
  }
  [[nodiscard]] Address local_address() const override { return of_.socket_.address(); }
  [[nodiscard]] Address peer_address() const override { return peer_; }

 private:
  DatagramPeers& of_;
  Address peer_;
  Address local_;  // of ours, that it sends to
  std::deque<std::vector<std::byte>> queue_;
  std::size_t bytes_ = 0;
  Event arrived_;
};

DatagramPeers::DatagramPeers(DatagramSocket& socket, const ListenCommand& command,
                             const Access& access, EventLog& events, Interrupt& interrupt)
    : socket_(socket), command_(command), access_(access), events_(events), interrupt_(interrupt) {}

DatagramPeers::~DatagramPeers() = default;

Task<int> DatagramPeers::run() {
  events_.waiting_for_datagrams();
  const Result<> ended = co_await attempt(unless_interrupted(serve(), interrupt_));
  const std::uint64_t lost = socket_.counters().dropped;
  co_await socket_.close();
  events_.closed(interrupt_.is_raised() ? EndReason::interrupted
                 : ended                ? EndReason::client_finished
                                        : EndReason::broken);
  events_.dropped(lost, true);
  report_losses();
  if (interrupt_.is_raised()) co_return report_interrupted(events_, interrupt_);
  if (ended) co_return status_;
  co_return events_.log().failed(
      explain_datagram_failure(ended.error(), command_.common.endpoint.to_string()));
}

Task<> DatagramPeers::serve() {
  auto body = [this](Group& group) { return receive(group); };
  const Result<> ended = co_await attempt(with_group(body));
  if (!ended && !is_over_) co_await fail(ended.error());
}

Task<> DatagramPeers::receive(Group& group) {
  std::vector<std::byte> room(DatagramSession::datagram_bytes_max);
  for (;;) {
    const Datagram datagram = co_await socket_.receive(room);
    events_.dropped(socket_.counters().dropped);
    events_.datagram_received(datagram.data.size(), datagram.peer);
    take(group, datagram);
  }
}

void DatagramPeers::take(Group& group, const Datagram& datagram) {
  if (!access_.admits(datagram.peer)) {
    ++refused_;
    return;
  }
  const std::string name = datagram.peer.to_string();
  auto known = peers_.find(name);
  if (known == peers_.end()) {
    if (!command_.keep && served_ > 0) {
      ++ignored_;
      return;
    }
    if (peers_.size() >= command_.clients_max) {
      ++dropped_;
      return;
    }
    known =
        peers_.emplace(name, std::make_unique<Peer>(*this, datagram.peer, datagram.local)).first;
    group.start(serve_peer(group, *known->second, ++served_));
  }
  if (!known->second->put(datagram.data)) ++dropped_;
}

Task<> DatagramPeers::serve_peer(Group& group, Peer& peer, std::uint64_t number) {
  const Address address = peer.peer_address();
  struct Forget {  // also when this task is stopped
    DatagramPeers& of;
    std::string name;
    ~Forget() { of.peers_.erase(name); }
  };
  const Forget forget{*this, address.to_string()};
  EventLog events(events_.log(), number, address);
  events.peer_is(address);
  const Result<ServiceEnd> served = co_await attempt(serve_end(peer, command_, events));
  if (!served && served.error() == std::errc::operation_canceled) co_await fail(served.error());
  ended(events, served);
  if (command_.keep) co_return;
  is_over_ = true;
  group.stop();
}

void DatagramPeers::ended(EventLog& events, const Result<ServiceEnd>& served) {
  Log& log = events.log();
  const bool is_silent = !served && served.error() == std::errc::timed_out;
  if (served) {
    events.closed(served->reason);
  } else {
    if (!is_silent) events.broken(served.error());
    events.closed(is_silent ? EndReason::idle : EndReason::broken);
  }
  if (command_.keep) return;
  if (served && served->failure) {
    status_ = log.failed(*served->failure);
  } else if (served && served->command && !served->command->succeeded()) {
    status_ = log.failed({Status::other, "the command " + served->command->to_string()});
  } else if (is_silent && command_.common.session.idle > Duration::zero()) {
    status_ = log.failed(idle_failure(command_.common, events));
  } else if (!served && !is_silent) {
    status_ = log.failed(explain_failure(Stage::receiving, served.error()));
  }
}

void DatagramPeers::report_losses() {
  Log& log = events_.log();
  if (ignored_ > 0) {
    log.notice({"ignored",
                fmt::format("ignored {} datagram{} from others than the first; to serve everyone, "
                            "use -k",
                            ignored_, ignored_ == 1 ? "" : "s"),
                {},
                {{"datagrams", ignored_}}});
  }
  report_refused(log, refused_);
  if (dropped_ > 0) {
    log.notice({"no_room",
                fmt::format("dropped {} datagram{}: too many waited, or there were too many peers",
                            dropped_, dropped_ == 1 ? "" : "s"),
                {},
                {{"datagrams", dropped_}}});
  }
}

}  // namespace ieum::cli
