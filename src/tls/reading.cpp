// TlsSession reads: a machine that waits for the stream beneath until a record is whole.
#include <utility>

#include "tls/session.hpp"

namespace ieum::detail {

void TlsSession::begin_read(StreamIo& io, std::span<std::byte> into) {
  if (io.use(reading_)) reading_.begin(Reading::What::read, into);
}
void TlsSession::begin_receive(StreamReceiveIo& io) {
  if (io.use(reading_)) reading_.begin(Reading::What::receive, {});
}
void TlsSession::begin_wait_readable(StreamIo& io) {
  if (io.use(reading_)) reading_.begin(Reading::What::wait, {});
}

LayerOperation::Step TlsSession::Reading::advance() noexcept {
  if (has_ended_beneath()) take_what_has_come();
  if (waits_for_ != Beneath::alert) {
    switch (decrypt()) {
      case Given::data:
      case Given::end: return Step::done;
      case Given::nothing_yet:
        // A ticket leaves one behind. Within a record, releases before 3.0.14 must not be asked.
        if (session_.is_between_records_) SSL_free_buffers(session_.ssl_.get());
        waits_for_ = Beneath::ciphertext;
        return receive_beneath(session_.beneath_);
      case Given::no_room: {
        // There is ciphertext in hand: so this one must not wait for others who have some too.
        const auto pending = static_cast<std::size_t>(SSL_pending(session_.ssl_.get()));
        waits_for_ = Beneath::room;
        return lease_output_buffer(session_.bio_.input_bytes() + pending + 1);
      }
      case Given::broken: break;
    }
    // The alert that tells the peer why. A writer fails from now on, so that nobody else writes;
    // one that is under way takes it along.
    session_.writer_has_alert_ = session_.writing_.is_pending();
    if (!session_.writer_has_alert_) waits_for_ = Beneath::alert;
  }
  const ConstBuffer alert = session_.bio_.unsent();
  if (waits_for_ == Beneath::alert && !alert.empty()) {
    return write_beneath(session_.beneath_, {.data = alert, .parts = {}, .whole = false});
  }
  waits_for_ = Beneath::nothing;
  return fail_with(*session_.broken_);
}

void TlsSession::Reading::take_what_has_come() noexcept {
  switch (waits_for_) {
    case Beneath::alert: session_.bio_.sent(take_count()); return;
    case Beneath::room: room_ = take_lease(); break;
    case Beneath::ciphertext:
      session_.bio_.feed(take_lease());
      session_.is_between_records_ = false;
      break;
    case Beneath::nothing: break;
  }
  waits_for_ = Beneath::nothing;
}

LayerOperation::Step TlsSession::Reading::gave_up(Error& error) noexcept {
  const bool was_alert = std::exchange(waits_for_, Beneath::nothing) == Beneath::alert;
  if (was_alert && error != std::errc::operation_canceled) error = *session_.broken_;
  return Step::failed;
}

TlsSession::Reading::Given TlsSession::Reading::decrypt() noexcept {
  count = 0;
  lease = Lease();
  if (session_.is_broken()) return what_ == What::wait ? Given::data : Given::broken;
  if (session_.peer_has_finished_) return Given::end;
  const tls::RecordBio& bio = session_.bio_;
  const bool may_have_some =
      bio.has_input() || bio.has_ended() || SSL_pending(session_.ssl_.get()) > 0;
  if (!may_have_some) return Given::nothing_yet;  // no buffer while it waits, OpenSSL's neither
  if (what_ == What::read) return decrypt_into(into_);
  if (what_ == What::receive) return decrypt_into_lease();
  std::byte first{};
  std::size_t size = 0;
  const tls::ErrorScope errors;
  const std::size_t written_before = session_.bio_.out_total;
  const int answer = SSL_peek_ex(session_.ssl_.get(), &first, 1, &size);
  const Given given = what_it_means(answer, written_before);
  return given == Given::broken ? Given::data : given;  // which the read tells
}

/// As much as has come already, of several records.
TlsSession::Reading::Given TlsSession::Reading::decrypt_into(std::span<std::byte> into) noexcept {
  SSL* const ssl = session_.ssl_.get();
  for (;;) {
    const std::span<std::byte> room = into.subspan(count);
    std::size_t size = 0;
    const tls::ErrorScope errors;
    const std::size_t written_before = session_.bio_.out_total;
    const int answer = SSL_read_ex(ssl, room.data(), room.size(), &size);
    count += size;
    const Given given = what_it_means(answer, written_before);
    const bool has_more = session_.bio_.has_input() || SSL_pending(ssl) > 0;
    if (given == Given::data && size < room.size() && has_more) continue;
    session_.is_between_records_ = given == Given::data && !has_more;
    // The data first: an error or the end behind it is told next time.
    if (count > 0) session_.has_read_ = true;
    return count > 0 ? Given::data : given;
  }
}

TlsSession::Reading::Given TlsSession::Reading::decrypt_into_lease() noexcept {
  if (room_.empty()) return Given::no_room;
  const Given given = decrypt_into(room_.bytes());
  room_.shrink(count);
  lease = std::move(room_);
  return given;
}

TlsSession::Reading::Given TlsSession::Reading::what_it_means(int answer,
                                                              std::size_t written_before) noexcept {
  // With TLS 1.2 only the refusal of a renegotiation makes a read write something.
  const bool renegotiates =
      session_.bio_.out_total > written_before && SSL_version(session_.ssl_.get()) < TLS1_3_VERSION;
  const int why = SSL_get_error(session_.ssl_.get(), answer);
  if (renegotiates && (why == SSL_ERROR_NONE || why == SSL_ERROR_WANT_READ)) {
    session_.break_with(Error(std::errc::protocol_error, name, peer_address())
                            .with_detail("the peer asks to renegotiate, which is refused"));
  } else if (why == SSL_ERROR_ZERO_RETURN) {
    session_.peer_has_finished_ = true;
    return Given::end;
  } else if (why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ) {
    session_.break_with(session_.failure(name, what_is_said(*session_.ssl_, answer)));
  }
  if (answer == 1) return Given::data;
  return session_.is_broken() ? Given::broken : Given::nothing_yet;
}

}  // namespace ieum::detail
