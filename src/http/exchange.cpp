// Exchange, and the Request and RequestBody that show it.
#include "http/exchange.hpp"

#include <ieum/http/form.hpp>

#include "http/connection.hpp"

namespace ieum::http {
namespace detail {

namespace {

/// Exchanges that wait to be used again, of a thread; each has the memory of some requests.
constexpr std::size_t kept_max = 64;
/// One whose buffers have become larger is not kept.
constexpr std::size_t kept_bytes_max = std::size_t{64} * 1024;
thread_local std::vector<std::unique_ptr<Exchange>> kept;

}  // namespace

std::unique_ptr<Exchange> Exchange::take() {
  if (kept.empty()) return std::make_unique<Exchange>();
  std::unique_ptr<Exchange> one = std::move(kept.back());
  kept.pop_back();
  return one;
}

void Exchange::give_back(std::unique_ptr<Exchange> exchange) noexcept {
  if (exchange == nullptr || kept.size() >= kept_max) return;
  if (exchange->out.capacity() + exchange->held.capacity() > kept_bytes_max) return;
  exchange->out.clear();
  exchange->lease.reset();
  exchange->held.clear();
  exchange->held_at = 0;
  exchange->upgrade = nullptr;
  exchange->connection = nullptr;
  if (kept.capacity() == 0) kept.reserve(kept_max);
  kept.push_back(std::move(exchange));
}

void Exchange::begin(Connection& of) noexcept {
  connection = &of;
  head.clear();
  parts.clear();
  decoded.clear();
  endpoint = nullptr;
  parameters.clear();
  allow.clear();
  unrouted = Status::not_found;
  framing = {};
  chunks.reset();
  left = received = 0;
  waited = {};
  shown = 0;
  body_ended = true;
  waits_to_be_asked = false;
  refusal = {};
  access = {};
  asker_.reset();
}

const Asker& Exchange::asker() {
  if (asker_) return *asker_;
  const Service& service = connection->service;
  Asker& who = asker_.emplace();
  who.peer = connection->proxied ? *connection->proxied : connection->stream.peer_address();
  who.client = who.peer;
  who.scheme = service.scheme;
  const std::vector<Network>& trusted = service.table.trusted;
  if (!trusted.empty() && is_in(who.peer, trusted)) {
    const Forwarded told = read_forwarded(head.fields, who.peer, trusted);
    who.client = told.client;
    if (!told.scheme.empty()) who.scheme = told.scheme;
  }
  return who;
}

void Exchange::head_has_come() noexcept {
  framing = head.framing();
  left = framing.length;
  if (framing.kind == Framing::Kind::chunked) chunks.emplace();
  body_ended = framing.kind == Framing::Kind::none || (!chunks && left == 0);
  // HTTP/1.0 does not know it (RFC 9110, section 10.1.1).
  waits_to_be_asked = head.expects_continue && head.minor_version > 0 && !body_ended;
}

}  // namespace detail

// ---- Request ------------------------------------------------------------------------------------

Method Request::method() const noexcept { return exchange_.head.method; }
std::string_view Request::method_name() const noexcept {
  return exchange_.head.part(exchange_.head.method_name);
}
std::string_view Request::target() const noexcept {
  return exchange_.head.part(exchange_.head.target);
}
std::string_view Request::path() const noexcept { return exchange_.head.path_text(); }

const std::string& Request::path(std::string_view name) const noexcept {
  static const std::string none;
  for (const auto& [key, value] : exchange_.parameters) {
    if (key == name) return value;
  }
  return none;
}

std::string_view Request::query() const noexcept {
  return exchange_.head.part(exchange_.head.query);
}

std::optional<std::string> Request::query(std::string_view name) const {
  for (auto& [key, value] : parse_form(query())) {
    if (key == name) return std::move(value);
  }
  return std::nullopt;
}

std::string_view Request::authority() const noexcept { return exchange_.head.authority; }
Version Request::version() const noexcept {
  return exchange_.head.minor_version == 0 ? Version::http10 : Version::http11;
}
const Fields& Request::fields() const noexcept { return exchange_.head.fields; }
RequestBody& Request::body() noexcept { return exchange_.body; }
const Address& Request::peer() const noexcept { return exchange_.asker().peer; }
const Address& Request::client() const noexcept { return exchange_.asker().client; }
std::string_view Request::scheme() const noexcept { return exchange_.asker().scheme; }

// ---- RequestBody --------------------------------------------------------------------------------

ieum::detail::ConsumingTask<ConstBuffer> RequestBody::next() {
  return ieum::detail::ConsumingTask<ConstBuffer>(exchange_.connection->next_of_body());
}

ieum::detail::ConsumingTask<std::string> RequestBody::text(std::size_t bytes_max) {
  return ieum::detail::ConsumingTask<std::string>(exchange_.connection->text_of_body(bytes_max));
}

std::optional<std::uint64_t> RequestBody::length() const noexcept {
  if (exchange_.framing.kind == detail::Framing::Kind::chunked) return std::nullopt;
  return exchange_.framing.length;
}

bool RequestBody::has_ended() const noexcept { return exchange_.body_ended; }

const Fields& RequestBody::trailers() const noexcept {
  static const Fields none;
  return exchange_.chunks ? exchange_.chunks->trailers() : none;
}

}  // namespace ieum::http
