// TlsSession writes: a machine that gives the stream beneath what it takes at once, and keeps the
// rest.
#include <openssl/crypto.h>

#include <algorithm>
#include <array>

#include "tls/session.hpp"

namespace ieum::detail {

namespace {

constexpr std::size_t record_bytes_max = tls::OutBuffer::record_bytes_max;

/// Of a session, with the client's certificate in it, that there is a ticket for: it goes out with
/// the first records, in what the buffer has beyond them.
constexpr int ticketed_bytes_max = 16 * 1024;
static_assert(ticketed_bytes_max + 4 * 1024 < tls::OutBuffer::slack_bytes);

/// What small parts of a gathered write are put together in, to be one record.
thread_local std::array<std::byte, record_bytes_max> staging;

}  // namespace

void TlsSession::begin_write(StreamIo& io, const WriteRequest& request) {
  if (io.use(writing_)) writing_.begin(request);
}

LayerOperation::Step TlsSession::Writing::advance() noexcept {
  if (has_ended_beneath()) session_.bio_.sent(take_count());
  for (;;) {
    const ConstBuffer unsent = session_.bio_.unsent();
    const bool must_tell = session_.writer_has_alert_ && !unsent.empty();
    if (session_.is_broken() && !must_tell) {
      const Error& broken = *session_.broken_;
      return fail_with(Error(broken.code(), name, peer_address()).with_detail(broken.detail()));
    }
    // First what a stopped write has left.
    if (!unsent.empty()) {
      return write_beneath(session_.beneath_, {.data = unsent, .parts = {}, .whole = false});
    }
    session_.owes_data_ = false;
    const bool is_enough = taken_ > 0 && !request_.whole;
    if (is_enough || !has_more()) {
      count = taken_;
      return Step::done;
    }
    if (session_.has_said_farewell()) return fail_with(std::errc::broken_pipe);
    encrypt();
  }
}

/// What was encrypted has been taken, and goes out with the next write: nobody may write it again.
/// If that cannot go out either, it tells why.
LayerOperation::Step TlsSession::Writing::gave_up(Error& /*error*/) noexcept {
  if (request_.whole || taken_ == 0 || session_.is_broken()) return Step::failed;
  count = taken_;
  session_.owes_data_ = true;
  return Step::done;
}

std::span<const ConstBuffer> TlsSession::Writing::parts() const noexcept {
  const bool gathers = request_.parts.data() != nullptr;
  return gathers ? request_.parts : std::span<const ConstBuffer>(&request_.data, 1);
}

bool TlsSession::Writing::has_more() noexcept {
  while (part_ < parts().size() && at_ == parts()[part_].size()) {
    ++part_;
    at_ = 0;
  }
  return part_ < parts().size();
}

/// Of a large part as much as there is room for; small ones together.
ConstBuffer TlsSession::Writing::next_piece(std::size_t room) noexcept {
  const ConstBuffer rest = parts()[part_].subspan(at_);
  if (rest.size() >= record_bytes_max || part_ + 1 == parts().size()) {
    const std::size_t size = std::min(rest.size(), room);
    at_ += size;
    return rest.first(size);
  }
  std::size_t size = 0;
  while (size < staging.size() && has_more()) {
    const ConstBuffer from = parts()[part_].subspan(at_);
    const std::size_t taken = std::min(from.size(), staging.size() - size);
    std::ranges::copy(from.first(taken), std::span(staging).subspan(size).begin());
    size += taken;
    at_ += taken;
  }
  return std::span(staging).first(size);
}

/// Some records of what is left.
void TlsSession::Writing::encrypt() noexcept {
  SSL* const ssl = session_.ssl_.get();
  const tls::ErrorScope errors;
  if (!std::exchange(session_.has_written_, true) && SSL_is_server(ssl) == 1 &&
      SSL_version(ssl) == TLS1_3_VERSION &&
      i2d_SSL_SESSION(SSL_get0_session(ssl), nullptr) <= ticketed_bytes_max) {
    // Not at the end of the handshake: a client that sends, reads nothing and closes would reset
    // the connection for it, and we would lose what it has sent. New keys that wait to be told go
    // first: OpenSSL would make no ticket before.
    if (SSL_in_init(ssl) == 1) SSL_do_handshake(ssl);
    SSL_new_session_ticket(ssl);
  }
  for (std::size_t records = tls::OutBuffer::records; records > 0 && has_more();) {
    const ConstBuffer piece = next_piece(records * record_bytes_max);
    std::size_t size = 0;
    const bool is_written = SSL_write_ex(ssl, piece.data(), piece.size(), &size) == 1;
    if (piece.data() == staging.data()) OPENSSL_cleanse(staging.data(), piece.size());
    if (!is_written) {
      session_.break_with(session_.failure(name, what_is_said(*ssl, 0)));
      return;
    }
    taken_ += size;
    records -= (size + record_bytes_max - 1) / record_bytes_max;
  }
}

}  // namespace ieum::detail
