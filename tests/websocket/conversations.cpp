// Two WebSockets, or one and a peer that behaves badly: closing, sending, pings, deadlines.
#include <gmock/gmock.h>

#include <ieum/tls_stream.hpp>

#include "tls/sessions.hpp"
#include "websocket/talk.hpp"

namespace ieum::test {
namespace {

/// Runs `first` beside `second`.
Task<> beside(Task<> first, Task<> second) {
  auto body = [&](Group& group) -> Task<> {
    group.start(std::move(first));
    group.start(std::move(second));
    co_await group.join();
  };
  co_await with_group(body);
}

Task<> ask(WebSocket& socket, std::string text) {
  co_await socket.send_text(text);
  const WebSocketMessage answer = co_await socket.receive();
  EXPECT_TRUE(answer);
  EXPECT_TRUE(answer.is_text());
  EXPECT_EQ(answer.text(), text);
}

Task<> ask_and_close(WebSocket& socket) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 2'048U, 2'049U, 65'536U, 1'000'000U}) {
    co_await ask(socket, std::string(size, 'z'));
  }
  co_await socket.close(CloseCode::normal, "done");
  EXPECT_EQ(socket.close_code(), CloseCode::normal);
  const WebSocketMessage none = co_await socket.receive();
  EXPECT_FALSE(none);
  Result<> late = co_await attempt(socket.send_text("late"));
  EXPECT_EQ(late.error(), Errc::closed);
}

CO_TEST(WebSockets, echo_messages_of_all_sizes) {
  WebSocketPair pair = co_await websocket_pair();
  co_await beside(echo_messages(std::move(pair.server)), ask_and_close(pair.client));
}

CO_TEST(WebSockets, echo_over_tls) {
  TlsPair tls = co_await tls_pair();
  WebSocket client =
      WebSocket::over(std::make_unique<TlsStream>(std::move(tls.client)), WebSocketRole::client);
  WebSocket server =
      WebSocket::over(std::make_unique<TlsStream>(std::move(tls.server)), WebSocketRole::server);
  co_await beside(echo_messages(std::move(server)), ask_and_close(client));
}

CO_TEST(WebSockets, echo_compressed) {
  for (const bool forgets : {false, true}) {
    for (const int bits : {9, 12, 15}) {
      const WebSocketOptions options{.compression = true,
                                     .compression_forgets = forgets,
                                     .compression_window_bits = bits,
                                     .compression_bytes_min = 0};
      Listener listener = co_await Listener::bind("127.0.0.1:0");
      static_cast<void>(listener);
      WebSocketPair pair = co_await websocket_pair(options, options);
      co_await beside(echo_messages(std::move(pair.server)), ask_and_close(pair.client));
    }
  }
}

Task<> expect_count(WebSocket& socket, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const WebSocketMessage message = co_await socket.receive();
    CO_ASSERT(message);
    EXPECT_EQ(message.text().substr(0, message.text().find(' ')), std::to_string(i));
  }
  const WebSocketMessage end = co_await socket.receive();
  EXPECT_FALSE(end);
}

CO_TEST(WebSockets, send_whole_messages_in_the_order_of_asking) {
  WebSocketPair pair = co_await websocket_pair();
  auto senders = [](WebSocket& socket) -> Task<> {
    std::size_t next = 0;
    auto body = [&](Group& group) -> Task<> {
      auto send = [](WebSocket& to, std::size_t& number) -> Task<> {
        for (int i = 0; i < 100; ++i) {
          const std::size_t mine = number++;
          const std::size_t size = mine % 7 == 0 ? 30'000 : mine % 50;
          co_await to.send_text(std::to_string(mine) + " " + std::string(size, 'x'));
        }
      };
      for (int i = 0; i < 5; ++i) group.start(send(socket, next));
      co_await group.join();
    };
    co_await with_group(body);
    co_await socket.close();
  };
  co_await beside(senders(pair.client), expect_count(pair.server, 500));
}

CO_TEST(WebSockets, say_goodbye_both_at_once) {
  WebSocketPair pair = co_await websocket_pair();
  co_await beside(pair.client.close(CloseCode::normal), pair.server.close(CloseCode::going_away));
  EXPECT_EQ(pair.client.close_code(), CloseCode::going_away);
  EXPECT_EQ(pair.server.close_code(), CloseCode::normal);
}

CO_TEST(WebSockets, end_a_receive_that_is_pending_when_they_close) {
  WebSocketPair pair = co_await websocket_pair();
  auto wait = [](WebSocket& socket) -> Task<> {
    const WebSocketMessage end = co_await socket.receive();
    EXPECT_FALSE(end);
  };
  auto close = [](WebSocket& socket) -> Task<> {
    co_await sleep(20ms);
    co_await socket.close();
  };
  auto client = [&](WebSocket& socket) -> Task<> { co_await beside(wait(socket), close(socket)); };
  co_await beside(client(pair.client), wait(pair.server));
}

CO_TEST(WebSockets, throw_away_what_comes_behind_their_close) {
  WebSocketPair pair = co_await websocket_pair();
  auto server = [](WebSocket& socket) -> Task<> {
    for (int i = 0; i < 100; ++i) co_await socket.send_text(std::string(1000, 'x'));
    const WebSocketMessage end = co_await socket.receive();
    EXPECT_FALSE(end);
  };
  co_await beside(pair.client.close(), server(pair.server));
}

CO_TEST(WebSockets, do_not_wait_for_ever_for_a_close) {
  for (const WebSocketRole role : roles) {
    Pair pair = co_await connected();
    WebSocket socket = over(std::move(pair.server), role, {.close_timeout = 100ms});
    Result<> closed = co_await attempt(socket.close(CloseCode::normal));
    CO_ASSERT(!closed);
    EXPECT_EQ(closed.error(), std::errc::timed_out);
    EXPECT_EQ(socket.close_code(), CloseCode::abnormal);
  }
}

CO_TEST(WebSockets, end_although_a_violator_does_not_read) {
  for (const WebSocketRole role : roles) {
    Pair pair = co_await connected_with_small_buffers();
    co_await pair.client.write_all("\xff\xff");
    WebSocket socket = over(std::move(pair.server), role, {.close_timeout = 100ms});
    Result<> sent;
    while (sent) {  // until it is stuck
      sent = co_await attempt(with_timeout(20ms, socket.send_binary(std::string(100'000, 'x'))));
    }
    Result<WebSocketMessage> refused = co_await attempt(socket.receive());
    CO_ASSERT(!refused);
    EXPECT_EQ(refused.error(), std::errc::protocol_error);
  }
}

CO_TEST(WebSockets, cut_reasons_between_characters) {
  WebSocketPair pair = co_await websocket_pair();
  std::string reason;
  for (int i = 0; i < 100; ++i) reason += "\xe2\x82\xac";
  co_await beside(echo_messages(std::move(pair.server)),
                  pair.client.close(CloseCode::normal, reason));
}

CO_TEST(WebSockets, wait_with_sending_for_a_peer_that_does_not_read) {
  Pair pair = co_await connected_with_small_buffers();
  WebSocket socket = over(std::move(pair.server), WebSocketRole::server);
  const std::string block(10'000, 'x');
  std::size_t count = 0;
  for (;; ++count) {
    Result<> sent = co_await attempt(with_timeout(100ms, socket.send_binary(block)));
    if (!sent) break;
    CO_ASSERT(count < 10'000);
  }
  EXPECT_LT(socket.queued_bytes(), 60'000U);
  // Once it reads all of it comes, also the one that was not waited for.
  const std::size_t size = (count + 1) * frame(0x82, block, false).size();
  const std::string all = co_await read_text(pair.client, size);
  EXPECT_EQ(all.size(), size);
}

CO_TEST(WebSockets, answer_a_flood_of_pings_with_bounded_memory) {
  Pair pair = co_await connected_with_small_buffers();
  WebSocket socket = over(std::move(pair.server), WebSocketRole::server);
  auto flood = [](StreamSocket& peer) -> Task<> {
    std::string pings;
    for (int i = 0; i < 1000; ++i) pings += frame(0x89, std::string(125, 'p'), true);
    for (int i = 0; i < 10; ++i) co_await peer.write_all(pings);
    co_await peer.write_all(frame(0x81, "after", true));
  };
  auto listen = [](WebSocket& of) -> Task<> {
    const WebSocketMessage message = co_await of.receive();
    EXPECT_EQ(message.text(), "after");
    EXPECT_LT(of.queued_bytes(), 20'000U);
  };
  co_await beside(flood(pair.client), listen(socket));
}

CO_TEST(WebSockets, notice_a_peer_that_answers_no_ping) {
  Pair pair = co_await connected();
  WebSocket socket = over(std::move(pair.server), WebSocketRole::server, {.ping_interval = 100ms});
  Result<WebSocketMessage> nothing = co_await attempt(socket.receive());
  CO_ASSERT(!nothing);
  EXPECT_EQ(nothing.error(), std::errc::timed_out);
  EXPECT_THAT(nothing.error().detail(), testing::HasSubstr("ping"));
}

CO_TEST(WebSockets, keep_alive_those_that_answer_pings) {
  WebSocketPair pair = co_await websocket_pair({}, {.ping_interval = 100ms});
  auto quiet = [](WebSocket& socket) -> Task<> {
    Result<WebSocketMessage> none = co_await attempt(with_timeout(500ms, socket.receive()));
    EXPECT_EQ(none.error(), std::errc::timed_out);
    co_await socket.close();
  };
  co_await beside(quiet(pair.client), echo_messages(std::move(pair.server)));
}

CO_TEST(WebSockets, lose_nothing_when_a_receive_is_stopped) {
  WebSocketPair pair = co_await websocket_pair();
  auto trickle = [](WebSocket& socket) -> Task<> {
    for (int i = 0; i < 20; ++i) {
      co_await socket.send_text(std::to_string(i) + " x");
      co_await sleep(3ms);
    }
    co_await socket.close();
  };
  auto listen = [](WebSocket& socket) -> Task<> {
    std::size_t count = 0;
    for (;;) {
      Result<WebSocketMessage> message = co_await attempt(with_timeout(1ms, socket.receive()));
      if (!message) {
        EXPECT_EQ(message.error(), std::errc::timed_out);
        continue;
      }
      if (!*message) break;
      EXPECT_EQ(message->text(), std::to_string(count++) + " x");
    }
    EXPECT_EQ(count, 20U);
  };
  co_await beside(trickle(pair.client), listen(pair.server));
}

CO_TEST(WebSockets, refuse_a_second_receive) {
  WebSocketPair pair = co_await websocket_pair();
  auto wait = [](WebSocket& socket) -> Task<> {
    const WebSocketMessage message = co_await socket.receive();
    EXPECT_EQ(message.text(), "x");
  };
  auto second = [](WebSocket& socket, WebSocket& peer) -> Task<> {
    Result<WebSocketMessage> refused = co_await attempt(socket.receive());
    EXPECT_EQ(refused.error(), std::errc::device_or_resource_busy);
    co_await peer.send_text("x");
    co_await sleep(10ms);
  };
  co_await beside(wait(pair.server), second(pair.server, pair.client));
}

CO_TEST(WebSockets, refuse_to_send_what_is_not_utf8) {
  WebSocketPair pair = co_await websocket_pair();
  Result<> sent = co_await attempt(pair.client.send_text("\xff"));
  EXPECT_EQ(sent.error(), std::errc::invalid_argument);
  EXPECT_FALSE(WebSocketFrame::text("\xff").is_valid());
  EXPECT_FALSE(pair.client.try_send(WebSocketFrame::text("\xff")));
  EXPECT_TRUE(WebSocketFrame::binary({}).is_valid());
}

// ---- Frames for many ---------------------------------------------------------------------------

CO_TEST(WebSocketFrames, reach_all_that_they_are_sent_to) {
  WebSocketPair pair = co_await websocket_pair();
  const WebSocketFrame small = WebSocketFrame::text("hello");
  const WebSocketFrame large = WebSocketFrame::text(std::string(100'000, 'l'));
  for (WebSocket* const socket : {&pair.client, &pair.server}) {
    EXPECT_TRUE(socket->try_send(small));
    EXPECT_TRUE(socket->try_send(large));
    co_await socket->send(small);
  }
  for (WebSocket* const socket : {&pair.client, &pair.server}) {
    for (const std::size_t size : {std::size_t{5}, std::size_t{100'000}, std::size_t{5}}) {
      const WebSocketMessage message = co_await socket->receive();
      EXPECT_EQ(message.size(), size);
      EXPECT_TRUE(message.is_text());
    }
  }
}

/// Numbers frames, and sends them to one that does not read.
Task<std::string> numbers_that_arrive(WhenFull when_full, std::size_t count, bool& refused,
                                      std::uint64_t& dropped) {
  Pair pair = co_await connected_with_small_buffers();
  WebSocket socket = over(std::move(pair.server), WebSocketRole::server,
                          {.queue_bytes_max = 100'000, .when_full = when_full});
  refused = false;
  for (std::size_t i = 0; i < count; ++i) {
    const WebSocketFrame one =
        WebSocketFrame::text(std::to_string(i) + " " + std::string(4'000, 'x'));
    refused = !socket.try_send(one) || refused;
    EXPECT_LE(socket.queued_bytes(), 100'000U);
    if (i % 10 == 0) co_await sleep(1ms);
  }
  dropped = socket.dropped();
  std::string numbers;
  auto read = [](StreamSocket& from, std::string& into) -> Task<> {
    std::string text = co_await read_to_end(from);
    const std::string frames = describe(text, false);
    for (std::size_t at = 0; at < frames.size(); at = frames.find('\n', at) + 1) {
      if (!frames.substr(at).starts_with("text ")) continue;
      into += frames.substr(at + 5, frames.find(' ', at + 5) - at - 5) + " ";
    }
  };
  auto close = [](WebSocket of) -> Task<> {
    Result<> closed = co_await attempt(of.close());
    static_cast<void>(closed);
  };
  auto end_then_read = [&](StreamSocket& peer) -> Task<> {
    co_await peer.write_all(frame(0x88, close_payload(1000), true));
    co_await read(peer, numbers);
  };
  co_await beside(close(std::move(socket)), end_then_read(pair.client));
  co_return numbers;
}

CO_TEST(WebSocketFrames, wait_in_a_queue_that_is_bounded) {
  bool refused = false;
  std::uint64_t dropped = 0;
  std::string numbers = co_await numbers_that_arrive(WhenFull::wait, 1000, refused, dropped);
  EXPECT_TRUE(refused);
  EXPECT_EQ(dropped, 0U);
  EXPECT_TRUE(numbers.starts_with("0 1 2 3 ")) << numbers;
  EXPECT_FALSE(numbers.ends_with(" 999 "));
  numbers = co_await numbers_that_arrive(WhenFull::drop_oldest, 1000, refused, dropped);
  EXPECT_FALSE(refused);
  EXPECT_GT(dropped, 0U);
  EXPECT_TRUE(numbers.ends_with(" 998 999 ")) << numbers;
  numbers = co_await numbers_that_arrive(WhenFull::keep_latest, 1000, refused, dropped);
  EXPECT_FALSE(refused);
  EXPECT_GT(dropped, 0U);
  EXPECT_TRUE(numbers.ends_with(" 999 ")) << numbers;
}

CO_TEST(WebSocketFrames, cut_off_who_is_too_slow) {
  Pair pair = co_await connected_with_small_buffers();
  WebSocket socket =
      over(std::move(pair.server), WebSocketRole::server, {.queue_bytes_max = 100'000});
  const WebSocketFrame one = WebSocketFrame::binary(bytes_of(std::string_view("0123456789")));
  const WebSocketFrame large = WebSocketFrame::text(std::string(50'000, 'x'));
  auto listen = [](WebSocket& of) -> Task<> {
    Result<WebSocketMessage> cut = co_await attempt(of.receive());
    CO_ASSERT(!cut);
    EXPECT_EQ(cut.error(), Errc::limit_exceeded);
    EXPECT_THAT(cut.error().detail(), testing::HasSubstr("too slow"));
  };
  auto push = [&](WebSocket& to) -> Task<> {
    for (int i = 0; to.try_send(large); ++i) {
      CO_ASSERT(i < 10'000);
      co_await sleep(1ms);
    }
    EXPECT_FALSE(to.try_send(one));
    Result<> sent = co_await attempt(to.send(one));
    EXPECT_EQ(sent.error(), Errc::limit_exceeded);
  };
  co_await beside(listen(socket), push(socket));
}

CO_TEST(WebSocketFrames, leave_together_at_the_turns_end) {
  WebSocketPair pair = co_await websocket_pair();
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(pair.server.try_send(WebSocketFrame::text("x")));
  EXPECT_EQ(pair.server.queued_bytes(), 3000U);
  co_await yield();
  co_await yield();
  EXPECT_EQ(pair.server.queued_bytes(), 0U);
  for (int i = 0; i < 1000; ++i) {
    const WebSocketMessage message = co_await pair.client.receive();
    EXPECT_EQ(message.text(), "x");
  }
}

CO_TEST(WebSockets, may_be_destroyed_while_they_write) {
  for (int i = 0; i < 3; ++i) {
    Pair pair = co_await connected_with_small_buffers();
    WebSocket socket = over(std::move(pair.server), WebSocketRole::server);
    Result<> sent =
        co_await attempt(with_timeout(20ms, socket.send_binary(std::string(3'000'000, 'x'))));
    EXPECT_EQ(sent.error(), std::errc::timed_out);
  }
}

}  // namespace
}  // namespace ieum::test
