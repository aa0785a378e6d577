#include "report/failure.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace ieum::cli {
namespace {

Error error(int number, const char* operation = "connect") {
  return Error::from_errno(number, operation, Address::ipv4_loopback(9));
}

TEST(Failure, of_connecting_has_the_status_of_its_kind) {
  const auto status = [](const Error& failed) {
    return explain_failure(Stage::connecting, failed).status;
  };
  EXPECT_EQ(status(error(ECONNREFUSED)), Status::not_connected);
  EXPECT_EQ(status(error(ENETUNREACH)), Status::not_connected);
  EXPECT_EQ(status(error(EHOSTUNREACH)), Status::not_connected);
  EXPECT_EQ(status(error(ETIMEDOUT)), Status::timed_out);
  EXPECT_EQ(status(error(EMFILE)), Status::other);
  EXPECT_EQ(status(Error(Errc::name_not_found, "resolve")), Status::not_resolved);
  EXPECT_EQ(status(Error(Errc::name_servers_silent, "resolve")), Status::not_resolved);
}

TEST(Failure, of_talking) {
  const auto failed = [](Stage stage, int number) {
    return explain_failure(stage, error(number, "read"),
                           {.where = "file", .sent = 3, .received = 4});
  };
  EXPECT_EQ(failed(Stage::receiving, ECONNRESET).status, Status::broken);
  EXPECT_EQ(failed(Stage::sending, EPIPE).status, Status::broken);
  EXPECT_EQ(failed(Stage::receiving, ETIMEDOUT).status, Status::timed_out);
  EXPECT_EQ(failed(Stage::writing_output, EPIPE).status, Status::other);
  EXPECT_EQ(failed(Stage::reading_input, EISDIR).status, Status::other);
}

TEST(Failure, says_what_where_and_what_to_do) {
  EXPECT_EQ(explain_failure(Stage::connecting, error(ECONNREFUSED)).sentence,
            "connect 127.0.0.1:9: connection refused; nothing listens there: check the address, or "
            "start the server first");
  EXPECT_EQ(
      explain_failure(Stage::listening, error(EADDRINUSE, "listen")).sentence,
      "listen 127.0.0.1:9: address already in use; choose another port, or 0 for any free one");
  EXPECT_EQ(explain_failure(Stage::writing_output, error(ENOSPC), {.where = "out"}).sentence,
            "write out: no space left on device; make room; what was written before is kept");
  EXPECT_EQ(
      explain_failure(Stage::receiving, error(ECONNRESET, "read"), {.sent = 1, .received = 2})
          .sentence,
      "read 127.0.0.1:9: connection reset by peer; data in flight are lost; 1 byte sent and 2 "
      "bytes received before");
}

}  // namespace
}  // namespace ieum::cli
