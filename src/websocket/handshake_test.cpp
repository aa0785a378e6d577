#include "websocket/handshake.hpp"

#include <gtest/gtest.h>

namespace ieum::websocket::detail {
namespace {

using http::Fields;
using http::Status;

constexpr std::string_view sample_key = "dGhlIHNhbXBsZSBub25jZQ==";

Fields request() {
  Fields fields;
  EXPECT_TRUE(fields.add("Host", "example.com"));
  EXPECT_TRUE(fields.add("Upgrade", "websocket"));
  EXPECT_TRUE(fields.add("Connection", "keep-alive, Upgrade"));
  EXPECT_TRUE(fields.add("Sec-WebSocket-Key", sample_key));
  EXPECT_TRUE(fields.add("Sec-WebSocket-Version", "13"));
  return fields;
}

Status status_with(std::string_view name, std::string_view value,
                   const WebSocketOptions& options = {}) {
  Fields fields = request();
  EXPECT_TRUE(fields.set(name, value));
  return answer_to(fields, "example.com", options).status;
}

TEST(WebSocketHandshake, answers_the_key_of_the_standard) {
  const Answer answer = answer_to(request(), "example.com", {});
  EXPECT_EQ(answer.status, Status::switching_protocols);
  EXPECT_EQ(answer.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");  // RFC 6455, section 1.3
  EXPECT_EQ(answer.subprotocol, "");
  EXPECT_FALSE(answer.deflate);
}

TEST(WebSocketHandshake, makes_keys_that_differ) {
  const std::string one = make_key().value();
  EXPECT_TRUE(is_key(one)) << one;
  EXPECT_NE(one, make_key().value());
  for (const char* const bad : {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===",
                                "dGhlIHNhbXBsZSBub25j ZQ=", "dGhlIHNhbXBsZSBub25jZQAA"}) {
    EXPECT_FALSE(is_key(bad)) << bad;
  }
}

TEST(WebSocketHandshake, refuses_requests_for_something_else) {
  EXPECT_EQ(status_with("Upgrade", "h2c"), Status::upgrade_required);
  EXPECT_EQ(status_with("Upgrade", "WebSocket"), Status::switching_protocols);
  EXPECT_EQ(status_with("Connection", "keep-alive"), Status::upgrade_required);
  EXPECT_EQ(status_with("Sec-WebSocket-Version", "8"), Status::upgrade_required);
  EXPECT_EQ(status_with("Sec-WebSocket-Version", ""), Status::upgrade_required);
  EXPECT_EQ(status_with("Sec-WebSocket-Key", "short"), Status::bad_request);
  for (const char* const name : {"Upgrade", "Connection", "Sec-WebSocket-Version"}) {
    Fields fields = request();
    fields.remove(name);
    EXPECT_EQ(answer_to(fields, "example.com", {}).status, Status::upgrade_required) << name;
  }
  Fields two = request();
  EXPECT_TRUE(two.add("Sec-WebSocket-Key", sample_key));
  EXPECT_EQ(answer_to(two, "example.com", {}).status, Status::bad_request);
}

TEST(WebSocketHandshake, lets_in_the_pages_of_its_own_host_only) {
  EXPECT_EQ(status_with("Origin", "http://example.com"), Status::switching_protocols);
  EXPECT_EQ(status_with("Origin", "http://EXAMPLE.com:80"), Status::switching_protocols);
  EXPECT_EQ(status_with("Origin", "http://example.com:81"), Status::forbidden);
  EXPECT_EQ(status_with("Origin", "http://example.com.evil.org"), Status::forbidden);
  EXPECT_EQ(status_with("Origin", "null"), Status::forbidden);
  const WebSocketOptions named{.origins = "https://a.org, https://b.org"};
  EXPECT_EQ(status_with("Origin", "https://b.org", named), Status::switching_protocols);
  EXPECT_EQ(status_with("Origin", "http://b.org", named), Status::forbidden);
  EXPECT_EQ(status_with("Origin", "http://example.com", named), Status::forbidden);
  EXPECT_EQ(status_with("Origin", "null", {.origins = "*"}), Status::switching_protocols);
}

TEST(WebSocketHandshake, chooses_the_subprotocol_that_it_likes_best) {
  Fields fields = request();
  EXPECT_TRUE(fields.add("Sec-WebSocket-Protocol", "a, b"));
  EXPECT_TRUE(fields.add("Sec-WebSocket-Protocol", "c"));
  EXPECT_EQ(answer_to(fields, "x", {.subprotocols = "c, b"}).subprotocol, "c");
  EXPECT_EQ(answer_to(fields, "x", {.subprotocols = "C, b"}).subprotocol, "b");
  EXPECT_EQ(answer_to(fields, "x", {.subprotocols = "d"}).subprotocol, "");
  EXPECT_EQ(status_with("Sec-WebSocket-Protocol", "a b"), Status::bad_request);
}

std::string chosen(std::string_view offers, WebSocketOptions options = {}) {
  const std::optional<DeflateChoice> choice = choose_deflate(offers, options);
  return choice ? choice->answer : "none";
}

TEST(WebSocketHandshake, negotiates_every_parameter_of_deflate) {
  const WebSocketOptions wide{.compression_window_bits = 15};
  EXPECT_EQ(chosen("permessage-deflate", wide), "permessage-deflate");
  EXPECT_EQ(chosen("permessage-deflate"), "permessage-deflate; server_max_window_bits=12");
  EXPECT_EQ(chosen("permessage-deflate; client_max_window_bits"),
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12");
  EXPECT_EQ(chosen("permessage-deflate; client_max_window_bits=10; server_max_window_bits=\"9\""),
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10");
  EXPECT_EQ(chosen("permessage-deflate; client_max_window_bits=8", wide),
            "permessage-deflate; client_max_window_bits=8");
  EXPECT_EQ(
      chosen("permessage-deflate; server_no_context_takeover; client_no_context_takeover", wide),
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  EXPECT_EQ(chosen("permessage-deflate; server_max_window_bits=8, permessage-deflate", wide),
            "permessage-deflate");
  for (const char* const bad :
       {"", "x-webkit-deflate-frame", "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=09", "permessage-deflate; unknown",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover"}) {
    EXPECT_EQ(chosen(bad, wide), "none") << bad;
  }
}

TEST(WebSocketHandshake, takes_what_a_server_may_choose) {
  const WebSocketOptions options;
  const auto taken = [&](std::string_view answer) { return accept_deflate(answer, options); };
  ASSERT_TRUE(taken("permessage-deflate"));
  EXPECT_EQ(taken("permessage-deflate")->our_window_bits, 12);
  EXPECT_EQ(taken("permessage-deflate")->their_window_bits, 15);
  EXPECT_EQ(taken("permessage-deflate; client_max_window_bits=9")->our_window_bits, 9);
  EXPECT_EQ(taken("permessage-deflate; server_max_window_bits=8")->their_window_bits, 9);
  EXPECT_TRUE(taken("permessage-deflate; client_no_context_takeover")->we_forget);
  EXPECT_TRUE(taken("permessage-deflate; server_no_context_takeover")->they_forget);
  EXPECT_FALSE(taken("permessage-deflate; client_max_window_bits"));
  EXPECT_FALSE(taken("permessage-deflate; client_max_window_bits=8"));
  EXPECT_FALSE(taken("permessage-deflate, permessage-deflate"));
  EXPECT_FALSE(taken("other"));
}

Fields answer() {
  Fields fields;
  EXPECT_TRUE(fields.add("Upgrade", "WebSocket"));
  EXPECT_TRUE(fields.add("Connection", "upgrade"));
  EXPECT_TRUE(fields.add("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
  return fields;
}

TEST(WebSocketHandshake, checks_the_answer) {
  EXPECT_EQ(agree(answer(), sample_key, {}).fault, nullptr);
  const auto fault = [](std::string_view name, std::string_view value) {
    Fields fields = answer();
    EXPECT_TRUE(fields.set(name, value));
    return agree(fields, sample_key, {.subprotocols = "a, b"}).fault != nullptr;
  };
  EXPECT_TRUE(fault("Upgrade", "h2c"));
  EXPECT_TRUE(fault("Connection", "close"));
  EXPECT_TRUE(fault("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOp="));
  EXPECT_TRUE(fault("Sec-WebSocket-Extensions", "permessage-deflate"));
  EXPECT_TRUE(fault("Sec-WebSocket-Protocol", "c"));
  EXPECT_FALSE(fault("Sec-WebSocket-Protocol", "b"));
  for (const char* const name : {"Upgrade", "Connection", "Sec-WebSocket-Accept"}) {
    Fields fields = answer();
    fields.remove(name);
    EXPECT_NE(agree(fields, sample_key, {}).fault, nullptr) << name;
  }
}

TEST(WebSocketCloseCodes, are_those_that_a_frame_may_have) {
  for (unsigned code = 0; code < 65'536; ++code) {
    const bool good = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                      (code >= 3000 && code <= 4999);
    EXPECT_EQ(is_sendable(static_cast<CloseCode>(code)), good) << code;
  }
}

}  // namespace
}  // namespace ieum::websocket::detail
