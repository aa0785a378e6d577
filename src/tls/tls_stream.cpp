// TlsStream: who makes sessions; the rest it leaves to its session.
#include <ieum/tls_stream.hpp>

#include <mutex>

#include <ieum/timeout.hpp>

#include "tls/session.hpp"

namespace ieum {

using detail::TlsClientState;
using detail::TlsSession;

namespace {

constexpr const char* handshake_name = "TLS handshake";

Task<TlsStream> refuse(Error error) { co_return fail(error); }

Task<> refuse_closed(const char* operation) {
  co_await fail(std::errc::bad_file_descriptor, operation);
}

/// An operation on a handle that there is not, which fails as one on a closed socket does.
detail::HandleRequest on_nothing(const char* name) noexcept {
  return {.kind = detail::Operation::Kind::receive, .handle = -1, .name = name};
}

}  // namespace

// ---- Making sessions ---------------------------------------------------------------------------

/// The context of those who name none; made once.
Result<std::shared_ptr<TlsClientState>> TlsStream::shared_context() {
  static std::mutex mutex;
  // Never destroyed: at the program's end OpenSSL goes first.
  static auto& shared = *new std::shared_ptr<TlsClientState>;
  const std::lock_guard lock(mutex);
  if (shared == nullptr) {
    const Result<TlsClientContext> made = TlsClientContext::create();
    if (!made) return fail(made.error());
    shared = made->state_;
  }
  return shared;
}

Task<TlsStream> TlsStream::make_client(Stream& beneath, std::unique_ptr<Stream> own,
                                       std::string_view name, const TlsOptions& options) {
  std::shared_ptr<TlsClientState> context;
  if (options.context != nullptr) {
    context = options.context->state_;
  } else {
    Result<std::shared_ptr<TlsClientState>> shared = shared_context();
    if (!shared) return refuse(shared.error());
    context = *std::move(shared);
  }
  Result<std::unique_ptr<TlsSession>> session =
      TlsSession::make_client(beneath, std::move(own), std::move(context), name);
  if (!session) return refuse(session.error());
  (*session)->observe(options.observer);
  return meet(*std::move(session), options.handshake_timeout, options.peer);
}

Task<TlsStream> TlsStream::make_server(Stream& beneath, std::unique_ptr<Stream> own,
                                       const TlsServerContext& context,
                                       const TlsServerOptions& options) {
  Result<std::unique_ptr<TlsSession>> session =
      TlsSession::make_server(beneath, std::move(own), context.state());
  if (!session) return refuse(session.error());
  (*session)->observe(options.observer);
  return meet(*std::move(session), options.handshake_timeout, options.peer);
}

Task<TlsStream> TlsStream::meet(std::unique_ptr<TlsSession> session, AnyDuration limit,
                                TlsPeer* peer) {
  const Result<> met = co_await attempt(with_timeout(limit, session->handshake()));
  if (peer != nullptr) *peer = session->peer();
  if (met) co_return TlsStream(std::move(session));
  co_await session->leave();
  if (met.error() != std::errc::timed_out) co_return fail(met.error());
  co_return fail(Error(std::errc::timed_out, handshake_name, session->peer_address())
                     .with_detail(met.error().detail()));
}

Task<TlsStream> TlsStream::client(Stream& beneath, std::string_view name, TlsOptions options) {
  return make_client(beneath, nullptr, name, options);
}
Task<TlsStream> TlsStream::client(std::unique_ptr<Stream> beneath, std::string_view name,
                                  TlsOptions options) {
  Stream& stream = *beneath;
  return make_client(stream, std::move(beneath), name, options);
}
Task<TlsStream> TlsStream::server(Stream& beneath, const TlsServerContext& context,
                                  TlsServerOptions options) {
  return make_server(beneath, nullptr, context, options);
}
Task<TlsStream> TlsStream::server(std::unique_ptr<Stream> beneath, const TlsServerContext& context,
                                  TlsServerOptions options) {
  Stream& stream = *beneath;
  return make_server(stream, std::move(beneath), context, options);
}

Task<TlsStream> TlsStream::connect(std::string_view to, TlsOptions options) {
  Result<HostPort> host = HostPort::parse(to);
  if (!host) return refuse(host.error());
  return connect_to(*std::move(host), options);
}

Task<TlsStream> TlsStream::connect_to(HostPort to, TlsOptions options) {
  StreamSocket socket = co_await StreamSocket::connect(to, options.connect);
  TlsStream stream = co_await client(std::move(socket), to.host(), options);
  co_return stream;
}

// ---- The session -------------------------------------------------------------------------------

TlsStream::TlsStream() noexcept = default;
TlsStream::TlsStream(std::unique_ptr<TlsSession> session) noexcept : session_(std::move(session)) {}
TlsStream::TlsStream(TlsStream&&) noexcept = default;
TlsStream& TlsStream::operator=(TlsStream&&) noexcept = default;
TlsStream::~TlsStream() = default;

TlsPeer TlsStream::peer() const { return session_ != nullptr ? session_->peer() : TlsPeer(); }

std::string_view TlsStream::alpn() const noexcept {
  return session_ != nullptr ? session_->alpn() : std::string_view();
}

Result<> TlsStream::update_keys() {
  constexpr const char* name = "update TLS keys";
  if (session_ == nullptr) return fail(std::errc::bad_file_descriptor, name);
  if (!session_->update_keys()) {
    return fail(std::errc::operation_not_supported, name, session_->peer_address());
  }
  return {};
}

Task<> TlsStream::shutdown_write() {
  return session_ != nullptr ? session_->shutdown_write() : refuse_closed("TLS shutdown");
}
Task<> TlsStream::close() {
  return session_ != nullptr ? session_->close() : refuse_closed("close");
}
Task<> TlsStream::reset() {
  return session_ != nullptr ? session_->reset() : refuse_closed("reset");
}
bool TlsStream::is_open() const noexcept { return session_ != nullptr && session_->is_open(); }
Address TlsStream::peer_address() const noexcept {
  return session_ != nullptr ? session_->peer_address() : Address();
}
Result<Address> TlsStream::local_address() const noexcept {
  if (session_ == nullptr) return fail(std::errc::bad_file_descriptor, "local address");
  return session_->local_address();
}
std::size_t TlsStream::bytes_on_way() const noexcept {
  return session_ != nullptr ? session_->bytes_on_way() : 0;
}

void TlsStream::begin_read(detail::StreamIo& io, std::span<std::byte> into) {
  if (session_ == nullptr) return io.use(on_nothing("TLS read").to_read(into));
  session_->begin_read(io, into);
}
void TlsStream::begin_write(detail::StreamIo& io, const detail::WriteRequest& request) {
  if (session_ == nullptr) return io.use(on_nothing("TLS write").to_write(request));
  session_->begin_write(io, request);
}
void TlsStream::begin_receive(detail::StreamReceiveIo& io) {
  if (session_ == nullptr) return io.use(on_nothing("TLS read"));
  session_->begin_receive(io);
}
void TlsStream::begin_wait_readable(detail::StreamIo& io) {
  if (session_ == nullptr) return io.use(on_nothing("TLS read"));
  session_->begin_wait_readable(io);
}

}  // namespace ieum
