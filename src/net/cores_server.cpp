// CoresServer: a Server on each core; a mailbox each tells it to drain.
#include <ieum/cores_server.hpp>

namespace ieum {

struct CoresServer::DrainRequest {
  DrainRequest(Duration at_most, MailboxSender<DrainReport> to) noexcept
      : limit(at_most), reply(std::move(to)) {}
  Duration limit;
  MailboxSender<DrainReport> reply;  // goes unanswered if the core ends: the asker is told
};

struct CoresServer::Slot {
  explicit Slot(DetachedListener bound)
      : Slot(std::move(bound), Mailbox<DrainRequest>::create(1)) {}
  Slot(DetachedListener bound, MailboxEnds<DrainRequest> ends)
      : listener(std::move(bound)),
        to_request(std::move(ends.sender)),
        requests(std::move(ends.mailbox)) {}

  std::optional<DetachedListener> listener;  // until the core serves it
  MailboxSender<DrainRequest> to_request;
  Mailbox<DrainRequest> requests;  // the core takes it, so that it closes with the core's serving
  detail::ServerCounts counts;
};

CoresServer::CoresServer(std::vector<DetachedListener> listeners, Server::Handler handler,
                         const CoresServerOptions& options)
    : handler_(std::move(handler)), options_(options), address_(listeners.front().address()) {
  options_.cores.count = listeners.size();
  for (DetachedListener& listener : listeners) {
    slots_.push_back(std::make_unique<Slot>(std::move(listener)));
  }
}

CoresServer::CoresServer(CoresServer&&) noexcept = default;
CoresServer::~CoresServer() = default;

Result<CoresServer> CoresServer::bind(const Address& address, Server::Handler handler,
                                      const CoresServerOptions& options) {
  const Result<std::size_t> count = detail::count_of_cores(options.cores);
  if (!count) return fail(count.error());
  Result<std::vector<DetachedListener>> listeners =
      Listener::bind_shared(address, *count, options.listen);
  if (!listeners) return fail(listeners.error());
  return CoresServer(*std::move(listeners), std::move(handler), options);
}

Result<CoresServer> CoresServer::bind(std::string_view address, Server::Handler handler,
                                      const CoresServerOptions& options) {
  const Result<Address> parsed = Address::parse(address);
  if (!parsed) return fail(parsed.error());
  return bind(*parsed, std::move(handler), options);
}

Task<> CoresServer::serve(Core& core) {
  IEUM_ASSERT(core.count() == slots_.size(),
              "a server is bound for another number of cores: run them with its cores()");
  Slot& slot = *slots_[core.index()];
  IEUM_ASSERT(slot.listener, "a server is served twice on one core");
  DetachedListener detached = *std::move(slot.listener);
  slot.listener.reset();
  Mailbox<DrainRequest> requests = std::move(slot.requests);
  Listener listener = co_await Listener::attach(std::move(detached));
  ServeOptions options = options_.serve;
  if (options.descriptors_each > 1) options.descriptors_each *= core.count();  // all have one limit
  Server server(std::move(listener), handler_, options);
  server.counts_ = &slot.counts;
  if (report_) server.on_session_end(report_);
  auto body = [&](Group& group) { return serve_in(group, server, requests); };
  co_await with_group(body);
}

Task<> CoresServer::serve_in(Group& group, Server& server, Mailbox<DrainRequest>& requests) {
  group.start(obey(server, requests));
  co_await server.run();  // it ends well only if it was drained, and then `obey` ends as well
}

Task<> CoresServer::obey(Server& server, Mailbox<DrainRequest>& requests) {
  DrainRequest request = co_await requests.receive();
  const DrainReport report = co_await server.drain(request.limit);
  static_cast<void>(request.reply.try_send(report));  // who asked may have been stopped
}

Task<DrainReport> CoresServer::drain(AnyDuration limit) {
  auto ends = Mailbox<DrainReport>::create(slots_.size());
  std::optional<MailboxSender<DrainReport>> reply(std::move(ends.sender));
  for (const std::unique_ptr<Slot>& slot : slots_) {
    DrainRequest request(limit, *reply);
    const Result<> asked = co_await attempt(slot->to_request.send(std::move(request)));
    if (!asked && asked.error() != Errc::closed) co_await fail(asked.error());
  }
  reply.reset();
  DrainReport sum;
  for (;;) {
    const Result<DrainReport> one = co_await attempt(ends.mailbox.receive());
    if (!one && one.error() == Errc::closed) break;  // all have answered, or ended
    if (!one) co_await fail(one.error());
    sum.finished += one->finished;
    sum.cut += one->cut;
    sum.idle += one->idle;
  }
  co_return sum;
}

ServerCounters CoresServer::counters(std::size_t core) const noexcept {
  return slots_[core]->counts.read();
}

ServerCounters CoresServer::counters() const noexcept {
  ServerCounters sum;
  for (const std::unique_ptr<Slot>& slot : slots_) {
    const ServerCounters one = slot->counts.read();
    sum.accepted += one.accepted;
    sum.failed += one.failed;
    sum.threw += one.threw;
    sum.idle += one.idle;
    sum.refused_by_system += one.refused_by_system;
  }
  return sum;
}

std::size_t CoresServer::sessions() const noexcept {
  std::uint64_t sum = 0;
  for (const std::unique_ptr<Slot>& slot : slots_) {
    const std::uint64_t ended = slot->counts.ended.value();  // first: never more than accepted
    sum += slot->counts.accepted.value() - ended;
  }
  return sum;
}

Result<> serve_on_cores(std::string_view address, Server::Handler handler,
                        const CoresServerOptions& options, const std::stop_token& stop) {
  Result<CoresServer> server = CoresServer::bind(address, std::move(handler), options);
  if (!server) return fail(server.error());
  const auto body = [&server](Core& core) { return server->serve(core); };
  return run_on_cores(body, server->cores(), stop);
}

}  // namespace ieum
