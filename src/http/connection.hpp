// Connection: one client's conversation: heads and bodies out of the stream, responses into it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <ieum/serve.hpp>
#include <ieum/stream.hpp>
#include <ieum/timeout.hpp>

#include "http/exchange.hpp"
#include "http/response_extra.hpp"
#include "http/service.hpp"

namespace ieum::http::detail {

class Connection {
 public:
  /// Where a head has got to.
  enum class Head : std::uint8_t { needs_more, complete, refused, gone };
  /// What a connection does once there is no further request.
  enum class After : std::uint8_t { waits, ends, upgrades };

  Connection(Service& of, Stream& over) noexcept;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // ---- What has come -----
  [[nodiscard]] std::string_view input() const noexcept {
    return exchange != nullptr ? exchange->input() : std::string_view();
  }
  [[nodiscard]] bool has_input() const noexcept { return !input().empty(); }
  void use(std::size_t bytes) noexcept;
  /// What has come behind all that is there.
  void add(Lease data);
  /// Copies what is in the lease, and gives that back: nobody waits for a buffer with one in hand.
  void hold();
  [[nodiscard]] ConstBuffer left_over() const noexcept { return std::as_bytes(std::span(input())); }

  // ---- Heads -----
  /// A request may be there: begins to read it, as far as it has come.
  [[nodiscard]] Head begin_head();
  /// Waits for what is missing.
  [[nodiscard]] Task<Head> rest_of_head();
  /// It is there.
  void head_has_come();
  /// The header of the PROXY protocol, which has begun to come; false: it is none.
  [[nodiscard]] Task<bool> proxy_header();

  // ---- Bodies -----
  [[nodiscard]] Task<ConstBuffer> next_of_body();
  [[nodiscard]] Task<std::string> text_of_body(std::size_t bytes_max);
  /// Of one that nobody has read. False: there was too much.
  [[nodiscard]] Task<bool> discard_body();
  /// What its reader has looked at is over.
  void finish_body() noexcept { use(std::exchange(exchange->shown, 0)); }

  // ---- Answers -----
  /// Sends all that is in `exchange->out`, then `more`: begins to, waits, and has done so.
  [[nodiscard]] ieum::detail::Timed<ieum::detail::StreamWriteAll> begin_flush(ConstBuffer more);
  void has_flushed(bool all) noexcept;
  /// The same in one.
  [[nodiscard]] Task<> flush(ConstBuffer more = {});
  /// How long it may take.
  [[nodiscard]] Duration limit_of_sending(std::size_t bytes) const noexcept;

  Service& service;
  Stream& stream;
  std::unique_ptr<Exchange> exchange;
  std::unique_ptr<const Address> proxied;  // who is behind the proxy, as its header says
  std::uint32_t requests = 0;              // that have come, as far as this counts
  bool peer_finished = false;
  bool broken = false;  // writing has failed
  bool expects_proxy_header = false;

 private:
  [[nodiscard]] Task<Lease> receive_of_body();
  [[nodiscard]] Failure refuse_body(Status status, const char* why, Error error);
  [[nodiscard]] Failure refuse_long_body();
  [[nodiscard]] Head head_of(HeadParser::Progress progress) noexcept;
};

/// Serves one stream; then `session` goes on as its farewell, or as what an upgrade wants. Without
/// one that is left to the caller, as `service.next`.
[[nodiscard]] Task<> converse(Service& service, std::unique_ptr<Stream> stream,
                              ServerSession* session);

}  // namespace ieum::http::detail
