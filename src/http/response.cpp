// Response: its forms.
#include <ieum/http/response.hpp>

#include "http/sending.hpp"
#include "http/syntax.hpp"

namespace ieum::http {

Response::Response() noexcept = default;
Response::Response(Status status) noexcept : status_(status) {}
Response::Response(Response&&) noexcept = default;
Response& Response::operator=(Response&&) noexcept = default;
Response::~Response() = default;

Response Response::of_type(std::string_view type, std::string&& body, Status status) {
  Response response(status);
  response.fields_.append("Content-Type", type);
  response.body_ = std::move(body);
  return response;
}

Response Response::text(std::string text, Status status) {
  return of_type("text/plain; charset=utf-8", std::move(text), status);
}
Response Response::json(std::string text, Status status) {
  return of_type("application/json", std::move(text), status);
}
Response Response::html(std::string text, Status status) {
  return of_type("text/html; charset=utf-8", std::move(text), status);
}
Response Response::bytes(std::string_view type, std::string data, Status status) {
  Response response(status);
  // A type that a field cannot hold is left off: then the body is of no known type.
  const Result<> added = response.fields_.add("Content-Type", type);
  static_cast<void>(added);
  response.body_ = std::move(data);
  return response;
}

Response Response::redirect(std::string_view location, Status status) {
  Response response(status);
  if (!response.fields_.add("Location", location)) return Response(Status::internal_server_error);
  return response;
}

Response Response::stream(std::string_view type, Writer write) {
  Response response = bytes(type, {});
  response.extra_ = std::make_unique<detail::ResponseExtra>();
  response.extra_->write = std::move(write);
  return response;
}

Response Response::events(EventWriter send) {
  Response response = of_type("text/event-stream", {}, Status::ok);
  const Result<> added = response.fields_.add("Cache-Control", "no-store");
  static_cast<void>(added);
  response.extra_ = std::make_unique<detail::ResponseExtra>();
  response.extra_->send_events = std::move(send);
  return response;
}

Response Response::upgrade_to(std::string_view protocol, Continuation next, bool keeps) {
  IEUM_ASSERT(detail::is_field_value(protocol), "the name of a protocol is none");
  Response response(Status::switching_protocols);
  response.extra_ = std::make_unique<detail::ResponseExtra>();
  response.extra_->protocol = protocol;
  response.extra_->next = std::move(next);
  response.extra_->keeps_next = keeps;
  return response;
}

}  // namespace ieum::http
