// Connection: one client's conversation: heads and bodies out of the stream, responses into it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <ieum/serve.hpp>
#include <ieum/stream.hpp>

#include "http/exchange.hpp"
#include "http/response_extra.hpp"
#include "http/service.hpp"

namespace ieum::http::detail {

class Connection {
 public:
  /// Where a head has got to.
  enum class Head : std::uint8_t { complete, refused, gone };
  /// What a connection does once there is no further request.
  enum class After : std::uint8_t { waits, ends, upgrades };

  Connection(Service& of, Stream& over) noexcept : service(of), stream(over) {}
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
  [[nodiscard]] HeadParser::Progress begin_head();
  /// The same, and waits for what is missing.
  [[nodiscard]] Task<Head> read_head();
  /// It is there.
  void head_has_come();
  /// The header of the PROXY protocol; false: it is none, or not from whom it may be.
  [[nodiscard]] Task<bool> proxy_header();

  // ---- Bodies -----
  [[nodiscard]] Task<ConstBuffer> next_of_body();
  [[nodiscard]] Task<std::string> text_of_body(std::size_t bytes_max);
  /// Of one that nobody has read. False: there was too much.
  [[nodiscard]] Task<bool> discard_body();
  /// What its reader has looked at is over.
  void finish_body() noexcept { use(std::exchange(exchange->shown, 0)); }

  // ---- Answers -----
  /// Sends all that is in `exchange->out`, then `more`.
  [[nodiscard]] Task<> flush(ConstBuffer more = {});
  /// How long it may take.
  [[nodiscard]] Duration limit_of_sending(std::size_t bytes) const noexcept;

  Service& service;
  Stream& stream;
  std::unique_ptr<Exchange> exchange;
  std::unique_ptr<const Address> proxied;  // who is behind the proxy, as its header says
  std::size_t requests = 0;
  bool peer_finished = false;
  bool broken = false;  // writing has failed

 private:
  [[nodiscard]] Task<Lease> receive_of_body();
  [[nodiscard]] Failure refuse_body(Status status, const char* why, Error error);
};

/// Serves one stream until its end. `session`, if there is one, goes on as what an upgrade wants;
/// without one that goes on above this.
[[nodiscard]] Task<> converse(Service& service, std::unique_ptr<Stream> stream,
                              ServerSession* session);

}  // namespace ieum::http::detail
