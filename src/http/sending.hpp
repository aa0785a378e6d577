// Sending: a response on its way out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/connection.hpp"

namespace ieum::http::detail {

class Sending {
 public:
  Sending(Connection& connection, Response& response, bool keeps_alive) noexcept
      : connection_(connection), response_(response), keeps_alive_(keeps_alive), writer_(*this) {}
  Sending(const Sending&) = delete;
  Sending& operator=(const Sending&) = delete;

  /// The head, into the output.
  void compose();
  /// True if the body has to be sent by `send_body`.
  [[nodiscard]] bool has_body_to_send() const noexcept { return has_body_; }
  [[nodiscard]] Task<> send_body();
  /// Puts a small body behind the head; gives a larger one, which is to be sent with the output.
  [[nodiscard]] ConstBuffer copy_body();

  [[nodiscard]] bool keeps_alive() const noexcept { return keeps_alive_; }
  [[nodiscard]] std::uint64_t body_bytes() const noexcept { return sent_; }

  /// An upgrade that the client has asked for.
  [[nodiscard]] static bool is_upgrade(const Response& response) noexcept {
    return response.extra_ != nullptr && response.extra_->next != nullptr;
  }
  /// The same; it becomes a refusal if the client has not.
  [[nodiscard]] static bool check_upgrade(const Exchange& exchange, Response& response);
  [[nodiscard]] static std::unique_ptr<ResponseExtra> take_extra(Response& response) noexcept {
    return std::move(response.extra_);
  }
  static void set_extra(Response& response, std::unique_ptr<ResponseExtra> extra) noexcept {
    response.extra_ = std::move(extra);
  }

  // Of BodyWriter:
  [[nodiscard]] Task<> write(ConstBuffer data);
  [[nodiscard]] Fields& trailers() noexcept { return trailers_; }

 private:
  enum class Framing : std::uint8_t { none, length, chunked, until_close };
  [[nodiscard]] Framing choose_framing();
  void append_fields_of_response();
  [[nodiscard]] Task<> run_writer();
  [[nodiscard]] Task<> watch(Group& group);
  [[nodiscard]] Task<> write_and_watch(Group& group, bool watches);
  [[nodiscard]] Task<> end_of_stream();
  [[nodiscard]] Task<> send_file();

  Connection& connection_;
  Response& response_;
  bool keeps_alive_;
  bool has_body_ = false;
  bool stops_at_end_ = false;  // when the client has finished sending
  Framing framing_ = Framing::none;
  std::uint64_t length_ = 0;  // of Framing::length
  std::uint64_t sent_ = 0;
  std::array<ConstBuffer, 3> parts_{};
  Fields trailers_;
  BodyWriter writer_;
};

}  // namespace ieum::http::detail
