// The opening handshake of both sides: a head as it comes, read by the server's rules and by the
// client's. What is agreed on is what the one and the other may say.
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/head.hpp"
#include "http/syntax.hpp"
#include "websocket/handshake.hpp"

using namespace ieum;
namespace ws = websocket::detail;

namespace {

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";

void check(const ws::DeflateParameters& parameters) {
  for (const unsigned bits : {parameters.our_window_bits, parameters.their_window_bits}) {
    if (bits < 9 || bits > 15) std::abort();
  }
}

void as_server(const http::Fields& fields, const WebSocketOptions& options) {
  const ws::Answer answer = ws::answer_to(fields, "example.com", options);
  if (answer.status != http::Status::switching_protocols) {
    if (answer.why[0] == '\0') std::abort();
    return;
  }
  if (answer.accept.size() != 28) std::abort();
  if (!answer.subprotocol.empty() && answer.subprotocol != "a" && answer.subprotocol != "b") {
    std::abort();
  }
  if (!answer.deflate) return;
  check(answer.deflate->parameters);
  http::Fields said;
  if (!said.add("Sec-WebSocket-Extensions", answer.deflate->answer)) std::abort();
}

void as_client(http::Fields& fields, const WebSocketOptions& options) {
  // Half of the inputs would fail at what depends on the key.
  if (!fields.set("Sec-WebSocket-Accept", ws::accept_of(key))) std::abort();
  const ws::Agreement agreement = ws::agree(fields, key, options);
  if (agreement.fault != nullptr) return;
  if (agreement.deflate) check(*agreement.deflate);
  if (!agreement.subprotocol.empty() && agreement.subprotocol != "a" &&
      agreement.subprotocol != "b") {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  if (size == 0) return 0;
  const auto how = static_cast<unsigned char>(data[0]);
  const WebSocketOptions options{.subprotocols = "a, b",
                                 .origins = (how & 1U) != 0 ? "" : "https://a.example, *",
                                 .compression = (how & 2U) != 0,
                                 .compression_forgets = (how & 4U) != 0,
                                 .compression_window_bits = 9 + (how >> 3U) % 7};
  const std::string_view text(data + 1, size - 1);
  http::detail::RequestHead request;
  http::detail::HeadParser parser(request);
  if (parser.parse(text) == http::detail::HeadParser::Progress::complete) {
    as_server(request.fields, options);
  }
  http::detail::ResponseHead response;
  http::detail::HeadParser answer(response);
  if (answer.parse(text) == http::detail::HeadParser::Progress::complete) {
    as_client(response.fields, options);
  }
  // And each field by itself, which the heads hardly reach.
  if (const auto choice = ws::choose_deflate(text, options)) check(choice->parameters);
  if (const auto chosen = ws::accept_deflate(text, options)) check(*chosen);
  static_cast<void>(ws::choose_subprotocol(options.subprotocols, text));
  static_cast<void>(ws::is_origin_allowed(text, "example.com", ""));
  static_cast<void>(ws::is_origin_allowed(text, "example.com", text));
  static_cast<void>(ws::is_key(text));
  return 0;
}
