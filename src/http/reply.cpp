// Reply and ReplyBody: what a program sees of an exchange.
#include <ieum/http/reply.hpp>

#include "http/client_exchange.hpp"

namespace ieum::http {

using detail::ClientExchange;

Reply::Reply() noexcept : body_(nullptr) {}
Reply::Reply(std::unique_ptr<ClientExchange> exchange) noexcept
    : exchange_(std::move(exchange)), body_(exchange_.get()) {}
Reply::Reply(Reply&& other) noexcept
    : exchange_(std::move(other.exchange_)), body_(std::exchange(other.body_.exchange_, nullptr)) {}
Reply& Reply::operator=(Reply&& other) noexcept {
  if (this == &other) return *this;
  exchange_ = std::move(other.exchange_);
  body_.exchange_ = std::exchange(other.body_.exchange_, nullptr);
  return *this;
}
Reply::~Reply() = default;

Status Reply::status() const noexcept { return exchange_->head().status; }
const Fields& Reply::fields() const noexcept { return exchange_->head().fields; }
std::string_view Reply::field(std::string_view name) const noexcept {
  return fields().get(name).value_or(std::string_view());
}
const Url& Reply::url() const noexcept { return exchange_->url(); }
unsigned Reply::redirects() const noexcept { return exchange_->redirects(); }
unsigned Reply::minor_version() const noexcept { return exchange_->head().minor_version; }

Task<ConstBuffer> ReplyBody::next() { return exchange_->next(); }
Task<ConstBuffer> ReplyBody::next(std::span<std::byte> into) { return exchange_->next(into); }
Task<std::string> ReplyBody::text(std::size_t bytes_max) { return exchange_->text(bytes_max); }
Task<std::uint64_t> ReplyBody::write_to(Stream& to) { return exchange_->write_to(to); }
Task<> ReplyBody::discard(std::size_t bytes_max) { return exchange_->discard(bytes_max); }
std::optional<std::uint64_t> ReplyBody::length() const noexcept { return exchange_->length(); }
const Fields& ReplyBody::trailers() const noexcept { return exchange_->trailers(); }

}  // namespace ieum::http
