// ResponseExtra: what few responses have.
#pragma once

#include <memory>
#include <string>

#include <ieum/http/response.hpp>

#include "http/file_body.hpp"

namespace ieum::http::detail {

/// What a response has that is neither status, field nor text.
struct ResponseExtra {
  Response::Writer write;
  Response::EventWriter send_events;
  Response::Continuation next;
  bool keeps_next = false;  // until its task has ended
  std::string protocol;
  std::unique_ptr<FileBody> file;
};

}  // namespace ieum::http::detail
