// accept: from a request to a WebSocket.
#include <ieum/websocket/accept.hpp>

#include "websocket/connection.hpp"
#include "websocket/handshake.hpp"

namespace ieum::websocket::detail {

Acceptance::Acceptance(Acceptance&&) noexcept = default;
Acceptance::~Acceptance() = default;

Acceptance::Acceptance(const http::Request& request,
                       std::shared_ptr<const WebSocketOptions> options) {
  Answer answer = answer_to(request.fields(), request.authority(), *options);
  if (request.method() != http::Method::get) {
    answer.status = http::Status::bad_request;
    answer.why = "a WebSocket is asked for by GET";
  }
  if (answer.status != http::Status::switching_protocols) {
    refusal_ = std::make_unique<http::Response>(
        http::Response::text(std::string(answer.why) + "\n", answer.status));
    if (answer.status == http::Status::upgrade_required) {
      const Result<> upgrade = refusal_->fields().add("Upgrade", "websocket");
      const Result<> version = refusal_->fields().add("Sec-WebSocket-Version", "13");
      static_cast<void>(upgrade);
      static_cast<void>(version);
    }
    return;
  }
  setup_ = std::make_unique<Setup>();
  setup_->role = WebSocketRole::server;
  accept_ = std::move(answer.accept);
  setup_->subprotocol = std::move(answer.subprotocol);
  if (answer.deflate && has_room(answer.deflate->parameters, options->compression_memory_level,
                                 options->compression_budget)) {
    setup_->deflate = answer.deflate->parameters;
    extensions_ = std::move(answer.deflate->answer);
  }
  setup_->options = std::move(options);
}

void Acceptance::add_fields(http::Response& response) const {
  const auto add = [&](std::string_view name, std::string_view value) {
    const Result<> added = response.fields().add(name, value);
    static_cast<void>(added);  // ours, or a token
  };
  add("Sec-WebSocket-Accept", accept_);
  if (!setup_->subprotocol.empty()) add("Sec-WebSocket-Protocol", setup_->subprotocol);
  if (!extensions_.empty()) add("Sec-WebSocket-Extensions", extensions_);
}

WebSocket Acceptance::make(http::Upgraded upgraded) const {
  return setup_->make(std::move(upgraded.stream), {}, upgraded.draining);
}

}  // namespace ieum::websocket::detail
