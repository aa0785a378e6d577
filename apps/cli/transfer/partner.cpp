#include "transfer/partner.hpp"

#include <fmt/format.h>

#include "text/suggest.hpp"
#include "transfer/transfer.hpp"

namespace ieum::cli {

Task<std::optional<Failure>> Partner::greet(std::string_view other) {
  std::optional<Failure> failure;
  // If it has gone already, what it said before tells more.
  const Result<> said = co_await attempt(frames.send(FrameType::hello, transfer_version));
  if (!said && said.error() == std::errc::operation_canceled) co_await fail(said.error());
  const Result<Frames::Frame> hello = co_await attempt(frames.next());
  if (!hello && hello.error() == std::errc::operation_canceled) co_await fail(hello.error());
  const bool is_hello = hello && hello->type == FrameType::hello;
  if (is_hello && hello->text() == transfer_version) co_return failure;
  failure = Failure{Status::other, explain_greeting(hello, other)};
  co_return failure;
}

std::string Partner::explain_greeting(const Result<Frames::Frame>& hello, std::string_view other) {
  if (hello && hello->type == FrameType::hello) {
    return fmt::format("the other side speaks {}, and we '{}': both must be of one version of ieum",
                       in_quotes(hello->text()), transfer_version);
  }
  const std::string_view beginning = frames.beginning();
  if (!hello && hello.error() != std::errc::protocol_error) {
    if (hello.error() != Errc::end_of_stream) return hello.error().to_string();
    if (beginning.empty()) {
      return fmt::format("the other side ended without a word: is it '{}'?", other);
    }
  }
  was_damaged_ = beginning.starts_with(static_cast<char>(FrameType::hello)) &&
                 beginning.size() > Frames::head_bytes + transfer_version.size() &&
                 beginning[Frames::head_bytes - 1] == static_cast<char>(transfer_version.size());
  if (was_damaged_) return "its greeting was damaged on the way";
  return fmt::format("the other side is no '{}': it says {}, which is no message of ieum's", other,
                     in_quotes(beginning.substr(0, beginning.find_first_of("\r\n"))));
}

}  // namespace ieum::cli
