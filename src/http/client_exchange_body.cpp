// ClientExchange: the body of a reply, as its reader asks for it.
#include <algorithm>

#include <ieum/timeout.hpp>

#include "base/words.hpp"
#include "http/client_exchange.hpp"

namespace ieum::http::detail {

using ieum::detail::count_of;
using ieum::detail::limit_in_words;
using ieum::detail::words;

namespace {

constexpr std::size_t decoded_piece_bytes = std::size_t{16} * 1024;

}  // namespace

Task<ConstBuffer> ClientExchange::next(std::span<std::byte> into) {
  return decoder_ != nullptr ? next_decoded() : next_raw(into);
}

std::optional<std::uint64_t> ClientExchange::length() const noexcept {
  if (is_decoded_ || framing_.kind == Framing::Kind::until_close ||
      framing_.kind == Framing::Kind::chunked) {
    return std::nullopt;
  }
  return framing_.length;
}

Task<> ClientExchange::fail_body(Error failure) {
  failure_ = failure;
  slot_.close();
  co_await fail(failure);
}

std::string ClientExchange::how_its_body_was_cut() const {
  if (framing_.kind == Framing::Kind::length) {
    return words("its body ended after ", received_, " of ", count_of(framing_.length, "byte"));
  }
  return words("its body ended early, after ", count_of(received_, "byte"));
}

/// An operation that receives more of the body.
template <class Operation>
Task<typename Operation::value_type> ClientExchange::in_time(Operation operation) {
  using Received = typename Operation::value_type;
  Duration limit = options_.idle_timeout;
  if (limit <= Duration::zero()) limit = Duration::max();
  bool is_idle_limit = true;
  if (deadline_ && *deadline_ - now() < limit) {
    limit = *deadline_ - now();
    is_idle_limit = false;
  }
  Result<Received> data = co_await attempt(with_timeout(limit, std::move(operation)));
  if (data) co_return *std::move(data);
  if (data.error() == std::errc::operation_canceled) co_await fail(data.error());
  const std::string late =
      is_idle_limit ? words("no more of its body for ", limit_in_words(limit), ": idle_timeout")
                    : words("its body did not end within ", limit_in_words(options_.timeout));
  const Error failure = told(data.error(), how_its_body_was_cut(), late);
  co_await fail_body(failure);
  co_return Received();
}

Task<ConstBuffer> ClientExchange::next_raw(std::span<std::byte> into) {
  if (failure_) co_await fail(*failure_);
  if (!has_ended_) connection().use(std::exchange(shown_, 0));
  while (!has_ended_) {
    const std::string_view input = connection().input();
    std::string_view piece;
    if (framing_.kind == Framing::Kind::chunked) {
      const ChunkDecoder::Step step = chunks_.decode(input);
      if (step.state == ChunkDecoder::State::fault) {
        co_await fail_body(
            error(std::errc::protocol_error, words("its body: ", chunks_.fault().why)));
      }
      if (step.state == ChunkDecoder::State::data) {
        piece = step.data;
        shown_ = step.used;
      } else {
        connection().use(step.used);
      }
      if (step.state == ChunkDecoder::State::done) end_body();
    } else if (framing_.kind == Framing::Kind::length) {
      piece = input.substr(0, std::min<std::uint64_t>(input.size(), left_));
      if (left_ == 0) end_body();
      left_ -= piece.size();
      shown_ = piece.size();
    } else {
      piece = input;
      shown_ = piece.size();
    }
    if (!piece.empty()) {
      received_ += piece.size();
      co_return std::as_bytes(std::span(piece));
    }
    if (has_ended_) break;
    if (!into.empty() && framing_.kind != Framing::Kind::chunked) {
      const bool has_length = framing_.kind == Framing::Kind::length;
      if (has_length) into = into.first(std::min<std::uint64_t>(into.size(), left_));
      const std::size_t count = co_await in_time(stream().read_some(into));
      received_ += count;
      if (has_length) left_ -= count;
      if (count > 0) co_return into.first(count);
    } else {
      Lease data = co_await in_time(stream().receive());
      if (!data.empty()) {
        connection().take_in(std::move(data));
        continue;
      }
    }
    if (framing_.kind == Framing::Kind::until_close) {
      end_body();
    } else {
      co_await fail_body(error(Errc::cut_off, how_its_body_was_cut()));
    }
  }
  co_return ConstBuffer();
}

Task<ConstBuffer> ClientExchange::next_decoded() {
  if (failure_) co_await fail(*failure_);
  if (decoded_piece_ == nullptr) {
    decoded_piece_ = std::make_unique_for_overwrite<std::byte[]>(decoded_piece_bytes);
  }
  const std::span<std::byte> room(decoded_piece_.get(), decoded_piece_bytes);
  for (;;) {
    if (raw_.empty() && !may_have_more_) {
      raw_ = co_await next_raw();
      if (raw_.empty()) {
        if (decoder_->is_complete()) co_return ConstBuffer();
        co_await fail_body(error(Errc::cut_off, "its coded body lacks its end"));
      }
    }
    const Result<ContentDecoder::Step> step = decoder_->decode(raw_, room);
    if (!step) co_await fail_body(error(step.error().code(), step.error().detail()));
    raw_ = raw_.subspan(step->used);
    may_have_more_ = step->given == room.size();
    decoded_ += step->given;
    if (decoded_ > options_.decoded_bytes_max) {
      co_await fail_body(error(Errc::limit_exceeded, words("decoded, its body has more than ",
                                                           options_.decoded_bytes_max, " bytes")));
    }
    if (step->given > 0) co_return room.first(step->given);
    if (step->used == 0 && !raw_.empty()) {
      co_await fail_body(error(std::errc::protocol_error, "its coding is damaged"));
    }
  }
}

Task<std::string> ClientExchange::text(std::size_t bytes_max) {
  std::string text;
  for (;;) {
    const ConstBuffer piece = co_await next();
    if (piece.empty()) co_return text;
    if (piece.size() > bytes_max - text.size()) {
      co_await fail_body(
          error(Errc::limit_exceeded, words("its body has more than ", bytes_max, " bytes")));
    }
    text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
}

Task<std::uint64_t> ClientExchange::write_to(Stream& to) {
  std::uint64_t count = 0;
  for (;;) {
    const ConstBuffer piece = co_await next();
    if (piece.empty()) co_return count;
    co_await to.write_all(piece);
    count += piece.size();
  }
}

Task<> ClientExchange::discard(std::size_t bytes_max) {
  decoder_.reset();  // nobody wants to see it
  std::size_t count = 0;
  for (;;) {
    const ConstBuffer piece = co_await next_raw();
    if (piece.empty()) co_return;
    count += piece.size();
    if (count <= bytes_max) continue;
    has_ended_ = true;
    slot_.close();
    co_return;
  }
}

/// The body has ended. The connection may be used again only if the server says so, all of the
/// request has gone, and nothing has come that nobody asked for.
void ClientExchange::end_body() noexcept {
  has_ended_ = true;
  const bool is_reusable = head_.keeps_alive() && framing_.kind != Framing::Kind::until_close &&
                           is_sent_whole_ && !options_.own_connection &&
                           connection().input().empty();
  if (is_reusable) {
    slot_.keep();
  } else {
    slot_.close();
  }
}

/// Nobody reads on: if the rest of the body has come already, the connection can be used again.
void ClientExchange::settle() noexcept {
  if (has_ended_ || slot_.connection == nullptr || framing_.kind == Framing::Kind::none) return;
  connection().use(std::exchange(shown_, 0));
  if (framing_.kind == Framing::Kind::length && connection().input().size() >= left_) {
    connection().use(left_);
    end_body();
  }
  if (framing_.kind != Framing::Kind::chunked) return;
  while (!has_ended_ && !connection().input().empty()) {
    const ChunkDecoder::Step step = chunks_.decode(connection().input());
    if (step.state == ChunkDecoder::State::fault) return;
    connection().use(step.used);
    if (step.state == ChunkDecoder::State::done) end_body();
  }
}

}  // namespace ieum::http::detail
