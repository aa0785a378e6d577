// ClientExchange: one request and its reply on one connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <ieum/descriptor.hpp>
#include <ieum/event.hpp>
#include <ieum/group.hpp>

#include "http/chunks.hpp"
#include "http/client_request.hpp"
#include "http/coding.hpp"
#include "http/head.hpp"
#include "http/pool.hpp"

namespace ieum::http::detail {

struct ClientExchangeLimits {
  HeadLimits head;
  std::size_t interim_replies_max;
};

class ClientExchange {
 public:
  /// `slot` has a connection.
  ClientExchange(Pool::Slot slot, ClientRequest& request, const ClientExchangeLimits& limits);
  ClientExchange(const ClientExchange&) = delete;
  ClientExchange& operator=(const ClientExchange&) = delete;
  ~ClientExchange();

  /// Sends the request and receives the reply's head. The request is not needed any more then.
  [[nodiscard]] Task<> run(ClientRequest& request, std::string_view user_agent);
  /// After an error of `run`: the connection had been used before, it broke, and nothing has come.
  [[nodiscard]] bool was_lost_unanswered() const noexcept {
    return was_reused_ && was_lost_ && !has_input_;
  }
  /// The server answered before it was sent the content that it was asked about.
  [[nodiscard]] bool was_content_withheld() const noexcept { return was_content_withheld_; }
  [[nodiscard]] Error error(std::error_code code, std::string_view detail) const;
  template <class Code>
  [[nodiscard]] Error error(Code code, std::string_view detail) const {
    return error(std::error_code(make_error_code(code)), detail);
  }

  // The body, as of ReplyBody.
  [[nodiscard]] Task<ConstBuffer> next(std::span<std::byte> into = {});
  [[nodiscard]] Task<std::string> text(std::size_t bytes_max);
  [[nodiscard]] Task<std::uint64_t> write_to(Stream& to);
  [[nodiscard]] Task<> discard(std::size_t bytes_max);
  [[nodiscard]] std::optional<std::uint64_t> length() const noexcept;

  [[nodiscard]] const ResponseHead& head() const noexcept { return head_; }
  [[nodiscard]] const Fields& trailers() noexcept { return chunks_.trailers(); }
  [[nodiscard]] const Url& url() const noexcept { return url_; }
  [[nodiscard]] unsigned redirects() const noexcept { return redirects_; }

 private:
  // exchange.cpp
  Task<ContentFraming> prepare_content(const ClientRequest& request);
  Task<> open_file(std::string path);
  Task<> send_at_once(std::string head, ConstBuffer content);
  void report_sent(std::size_t content_bytes);
  Task<> send_beside(std::string head, const Content& content);
  Task<> send_in(Group& group, std::string head, const Content& content);
  Task<> upload(std::string head, const Content& content);
  Task<> write_content(const Content& content, ContentWriter& writer);
  Task<> read_head();
  Task<> read_one_head();
  Task<Lease> receive_for_head();
  Task<> prepare_body();
  // exchange_body.cpp
  Task<ConstBuffer> next_raw(std::span<std::byte> into = {});
  Task<ConstBuffer> next_decoded();
  template <class Operation>
  Task<typename Operation::value_type> in_time(Operation operation);
  Task<> fail_body(Error error);
  [[nodiscard]] std::string how_its_body_was_cut() const;
  void settle() noexcept;
  void end_body() noexcept;

  [[nodiscard]] Stream& stream() noexcept { return slot_.connection->stream(); }
  [[nodiscard]] ClientConnection& connection() noexcept { return *slot_.connection; }
  /// What a failed operation on the connection means for the exchange.
  [[nodiscard]] Error told(const Error& failure, std::string_view cut, std::string_view late);

  Pool::Slot slot_;
  ClientExchangeLimits limits_;
  RequestOptions options_;
  std::optional<TimePoint> deadline_;
  Url url_;
  const char* operation_;
  Method method_;
  unsigned redirects_;
  bool was_reused_;

  // The request.
  Descriptor file_;
  std::optional<std::uint64_t> content_length_;
  Event go_;    // the server wants the content
  Event sent_;  // the request has been sent, or cannot be
  bool has_begun_content_ = false;
  bool was_content_withheld_ = false;
  bool is_sent_whole_ = false;
  std::optional<TimePoint> head_deadline_;

  // The reply.
  ResponseHead head_;
  bool has_input_ = false;
  bool was_lost_ = false;
  std::size_t interim_replies_ = 0;
  bool is_decoded_ = false;
  Framing framing_;
  ChunkDecoder chunks_;
  std::uint64_t received_ = 0;  // bytes of the body, as they came
  std::uint64_t left_ = 0;      // of a body with a length
  std::size_t shown_ = 0;       // of the connection's input: the last piece
  bool has_ended_ = false;
  std::optional<Error> failure_;
  std::unique_ptr<ContentDecoder> decoder_;
  std::uint64_t decoded_ = 0;
  ConstBuffer raw_;  // what the decoder has not used yet
  std::unique_ptr<std::byte[]> decoded_piece_;
  bool may_have_more_ = false;  // the decoder, without further input
};

}  // namespace ieum::http::detail
