#include "bench/reply_reader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ieum::cli {
namespace {

struct Read {
  std::vector<std::string> replies;  // "200: 5"
  std::string error;
  bool closes = false;
  std::string unfinished;
};

Read read(std::string_view text, std::size_t step, bool head_only = false, bool ends = false) {
  ReplyReader reader(head_only);
  Read all;
  std::vector<Answer> answers;
  while (!text.empty() && all.error.empty()) {
    const std::string_view part = text.substr(0, step);
    text.remove_prefix(part.size());
    const Result<> taken = reader.take(std::as_bytes(std::span(part)), answers);
    if (!taken) all.error = taken.error().detail();
  }
  if (ends) reader.end(answers);
  for (const Answer& answer : answers) {
    all.replies.push_back(std::to_string(answer.status) + ": " + std::to_string(answer.bytes));
  }
  all.closes = reader.closes();
  all.unfinished = reader.unfinished();
  return all;
}

using Replies = std::vector<std::string>;

TEST(ReplyReader, finds_the_ends_of_replies_in_pieces_of_any_size) {
  const std::string text =
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
      "HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n"
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 200 OK\r\ntransfer-encoding: "
      "chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n"
      "HTTP/1.1 404 Not Found\r\ncontent-length:0\r\n\r\n"
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nTrailer: 1\r\nAnd: "
      "2\r\n\r\n"
      "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"
      "HTTP/1.1 503 Later\r\nContent-Length: 2\r\nConnection: Close\r\n\r\nno";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    const Read all = read(text, step);
    EXPECT_EQ(all.error, "");
    EXPECT_EQ(all.replies,
              (Replies{"200: 5", "204: 0", "200: 13", "404: 0", "200: 1", "304: 0", "503: 2"}))
        << step;
    EXPECT_TRUE(all.closes);
    EXPECT_EQ(all.unfinished, "");
  }
}

TEST(ReplyReader, of_a_body_without_a_length_the_connections_end_is_the_end) {
  const std::string text = "HTTP/1.1 200 OK\r\n\r\nall that comes";
  EXPECT_EQ(read(text, 7).replies, Replies{});
  EXPECT_EQ(read(text, 7, false, true).replies, Replies{"200: 14"});
  EXPECT_TRUE(read(text, 7).closes);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", 50, false, true).replies,
            Replies{});
}

TEST(ReplyReader, knows_which_connections_go_on) {
  EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 99).closes);
  EXPECT_TRUE(read("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 99).closes);
  EXPECT_FALSE(
      read("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n", 99).closes);
  EXPECT_TRUE(
      read("HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 0\r\n\r\n", 99).closes);
}

TEST(ReplyReader, replies_to_head_have_no_body) {
  const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n";
  EXPECT_EQ(read(text + text, 9, true).replies, (Replies{"200: 0", "200: 0"}));
}

TEST(ReplyReader, says_how_far_a_reply_had_come) {
  EXPECT_EQ(read("HTTP/1.1 200", 99).unfinished, "a part of the head had come");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nabc", 99).unfinished,
            "3 of 500 bytes of the body had come");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabcd", 99).unfinished,
            "4 bytes of the body had come");
}

TEST(ReplyReader, refuses_what_is_no_reply) {
  EXPECT_EQ(read("SSH-2.0-OpenSSH_9.2\r\n\r\n", 5).error, "it is no reply of HTTP/1.1");
  EXPECT_EQ(read("HTTP/1.1 20\r\n\r\n", 99).error, "it is no reply of HTTP/1.1");
  EXPECT_EQ(read("HTTP/2.0 200 OK\r\n\r\n", 99).error, "it is no reply of HTTP/1.1");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nno field\r\n\r\n", 99).error, "a header field has no colon");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", 99).error,
            "its Content-Length is no number");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 99).error,
            "its Content-Length is no number");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 99).error,
            "its Transfer-Encoding is not 'chunked'");
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(read(chunked + "x\r\n", 99).error, "the size of a chunk is no number");
  EXPECT_EQ(read(chunked + "2\r\nabcd\r\n", 99).error, "a chunk is longer than it says");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nA: " + std::string(40'000, 'x'), 4000).error,
            "the head of a reply is too long");
}

}  // namespace
}  // namespace ieum::cli
