// Programs that speak over HTTP: their tokens, what they post, and what is refused.
#include "hub/irc/hub_test.hpp"

namespace ieum::test {
namespace {

/// A new token of a client who is logged in.
Task<std::string> make_token(HubClient& owner, std::string label) {
  const std::string text = co_await owner.ask("TOKEN CREATE " + label);
  const std::string line = line_with(text, "NOTE TOKEN CREATED ");
  const std::size_t end = line.find(" :This is the only time");
  const std::size_t begin = line.rfind(' ', end - 1) + 1;
  EXPECT_NE(end, std::string::npos) << text;
  co_return end == std::string::npos ? "" : line.substr(begin, end - begin);
}

Task<HttpAnswer> post(TestHub& hub, std::string room, std::string token, std::string body,
                      std::string fields = "") {
  co_await hub.settle();
  fields += "Authorization: Bearer " + token + "\r\n";
  co_return co_await ask_http(hub.web_address(), "POST /api/rooms/" + room + "/messages",
                              std::move(fields), std::move(body));
}

std::string id_of(const HttpAnswer& answer) {
  constexpr std::string_view before = "{\"id\":\"";
  EXPECT_TRUE(answer.body.starts_with(before)) << answer.text;
  return answer.body.substr(before.size(), answer.body.find('"', before.size()) - before.size());
}

::testing::AssertionResult refuses(const HttpAnswer& answer, int status, std::string_view code) {
  const std::string wanted = "{\"error\":\"" + std::string(code) + "\",\"message\":\"";
  if (answer.status == status && answer.body.starts_with(wanted) &&
      answer.body.ends_with("\"}\n")) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure() << "not " << status << " " << code << ": " << answer.text;
}

HUB_TEST(HubBots, HaveTokensOfTheirOwners) {
  HubClient guest = co_await hub.client("guest", "standard-replies");
  EXPECT_TRUE(has(co_await guest.ask("TOKEN LIST"), "FAIL TOKEN ACCOUNT_REQUIRED "));
  HubClient ann = co_await hub.member("ann", "standard-replies");
  for (const char* wrong : {"TOKEN CREATE", "TOKEN CREATE a!b", "TOKEN CREATE :two words"}) {
    EXPECT_TRUE(has(co_await ann.ask(wrong), "FAIL TOKEN BAD_LABEL ")) << wrong;
  }
  for (const char* wrong : {"0", "-1", "soon", "99999"}) {
    const std::string line = std::string("TOKEN CREATE builds ") + wrong;
    EXPECT_TRUE(has(co_await ann.ask(line), "FAIL TOKEN BAD_DAYS ")) << line;
  }
  EXPECT_TRUE(has(co_await ann.ask("TOKEN SHOW"), "FAIL TOKEN INVALID_PARAMS "));
  const std::string secret = co_await make_token(ann, "builds");
  co_await ann.ask("TOKEN CREATE weather 30");
  const std::string text = co_await ann.ask("TOKEN LIST");
  EXPECT_TRUE(has(text, "NOTE TOKEN LISTED 1 builds :Made 20"));
  EXPECT_TRUE(has(text, ", valid for good\n"));
  EXPECT_TRUE(has(text, "NOTE TOKEN LISTED 2 weather :"));
  EXPECT_TRUE(has(text, "NOTE TOKEN END 2 :"));
  EXPECT_FALSE(text.contains(secret)) << "it is told once";
  EXPECT_TRUE(has(co_await ann.ask("TOKEN REVOKE 3"), "FAIL TOKEN UNKNOWN_TOKEN 3 "));
  HubClient bob = co_await hub.member("bob", "standard-replies");
  EXPECT_TRUE(has(co_await bob.ask("TOKEN REVOKE 1"), "FAIL TOKEN UNKNOWN_TOKEN 1 "));
  EXPECT_TRUE(has(co_await ann.ask("TOKEN REVOKE 1"), "NOTE TOKEN REVOKED 1 "));
  EXPECT_TRUE(has(co_await ann.ask("TOKEN LIST"), "NOTE TOKEN END 1 :"));
  for (std::size_t i = 1; i < hub::AccountStore::tokens_max; ++i) {
    co_await ann.send("TOKEN CREATE builds");
  }
  co_await ann.sync();
  EXPECT_TRUE(has(co_await ann.ask("TOKEN CREATE builds"), "FAIL TOKEN TOO_MANY_TOKENS "));
  // One who knows nothing of such replies gets words.
  HubClient old = co_await hub.connect();
  old.nick = "old";
  co_await old.send("NICK old");
  co_await old.send("USER old 0 * :Old");
  EXPECT_TRUE(has(co_await old.ask("TOKEN LIST"), "NOTICE old :*** TOKEN: Tokens belong to"));
}

HUB_TEST(HubBots, SayWhatIsPostedOnce) {
  HubClient ann = co_await hub.member("ann", std::string(modern));
  co_await ann.ask("JOIN #builds");
  HubClient bob = co_await hub.client("bob", std::string(modern));
  co_await bob.ask("JOIN #builds");
  const std::string token = co_await make_token(ann, "ci");
  HttpAnswer answer = co_await post(hub, "builds", token, "build 42 is green\n");
  EXPECT_EQ(answer.status, 201) << answer.text;
  EXPECT_TRUE(has(answer.text, "Content-Type: application/json\r\n"));
  std::string said = co_await bob.until("PRIVMSG #builds");
  EXPECT_TRUE(said.ends_with(":ann!ci@hub.test PRIVMSG #builds :build 42 is green")) << said;
  EXPECT_EQ(tag_of(said, "account"), "ann");
  EXPECT_EQ(tag_of(said, "msgid"), id_of(answer));
  co_await ann.until("PRIVMSG #builds :build 42 is green");
  // The same key again: the first one's id, and nothing is said.
  answer = co_await post(hub, "%23Builds", token, "안녕", "Idempotency-Key: \"b-43\"\r\n");
  EXPECT_EQ(answer.status, 201) << answer.text;
  const std::string id = id_of(answer);
  for (const char* key : {"\"b-43\"", "b-43"}) {
    answer = co_await post(hub, "builds", token, "안녕",
                           std::string("Idempotency-Key: ") + key + "\r\n");
    EXPECT_EQ(answer.status, 200) << answer.text;
    EXPECT_EQ(id_of(answer), id);
  }
  answer = co_await post(hub, "builds", token, R"({"text":"as \"JSON\""})",
                         "Content-Type: application/json\r\n");
  EXPECT_EQ(answer.status, 201) << answer.text;
  std::string text = co_await bob.sync();
  EXPECT_EQ(count_of(text, " PRIVMSG "), 2U) << text;
  said = line_with(text, "안녕");
  EXPECT_EQ(tag_of(said, "msgid"), id);
  EXPECT_EQ(tag_of(said, "+ieum/once"), "b-43");
  EXPECT_TRUE(has(text, "PRIVMSG #builds :as \"JSON\""));
  text = co_await bob.ask("CHATHISTORY LATEST #builds * 10");
  EXPECT_EQ(count_of(text, " PRIVMSG #builds "), 3U) << text;
}

HUB_TEST(HubBots, AreRefusedWithTheReason) {
  HubClient ann = co_await hub.member("ann", std::string(modern));
  co_await ann.ask("JOIN #a");
  HubClient bob = co_await hub.client("bob", std::string(modern));
  for (const char* line :
       {"JOIN #open", "MODE #open -n", "JOIN #closed", "JOIN #hidden", "MODE #hidden +s"}) {
    co_await bob.ask(line);
  }
  const std::string token = co_await make_token(ann, "ci");
  // Who it is:
  HttpAnswer answer = co_await ask_http(hub.web_address(), "POST /api/rooms/a/messages", "", "x");
  EXPECT_TRUE(refuses(answer, 401, "token_required"));
  EXPECT_TRUE(has(answer.text, "WWW-Authenticate: Bearer realm=\"ieum-hub\"\r\n"));
  answer = co_await post(hub, "a", token + "x", "x");
  EXPECT_TRUE(refuses(answer, 401, "invalid_token"));
  answer = co_await post(hub, "a", std::string(2000, 'x'), "x");
  EXPECT_TRUE(refuses(answer, 401, "token_required"));
  // Where:
  EXPECT_TRUE(refuses(co_await post(hub, "none", token, "x"), 404, "no_such_room"));
  EXPECT_TRUE(refuses(co_await post(hub, "hidden", token, "x"), 404, "no_such_room"));
  EXPECT_TRUE(refuses(co_await post(hub, "%ff", token, "x"), 404, "no_such_room"));
  EXPECT_TRUE(refuses(co_await post(hub, "closed", token, "x"), 403, "may_not_speak"));
  EXPECT_EQ((co_await post(hub, "open", token, "from outside")).status, 201);
  co_await bob.until("PRIVMSG #open :from outside");
  co_await bob.ask("MODE #open +b *!ci@*");
  EXPECT_TRUE(refuses(co_await post(hub, "open", token, "x"), 403, "may_not_speak"));
  // What:
  const auto wrong = [&](std::string body) { return post(hub, "a", token, std::move(body)); };
  EXPECT_TRUE(refuses(co_await wrong(""), 422, "bad_text"));
  EXPECT_TRUE(refuses(co_await wrong("\n"), 422, "bad_text"));
  EXPECT_TRUE(refuses(co_await wrong("two\nlines"), 422, "bad_text"));
  EXPECT_TRUE(refuses(co_await wrong(std::string("a\0b", 3)), 422, "bad_text"));
  EXPECT_TRUE(refuses(co_await wrong("\xff"), 422, "bad_text"));
  EXPECT_TRUE(refuses(co_await wrong(std::string(499, 'x')), 413, "too_long"));
  EXPECT_TRUE(refuses(co_await wrong(std::string(20'000, 'x')), 413, "too_long"));
  EXPECT_EQ((co_await wrong(std::string(498, 'x'))).status, 201);
  const std::string json = "Content-Type: application/json; charset=utf-8\r\n";
  for (const char* body : {"", "{", "[]", "{}", R"({"text":1})", R"({"text":"a","x":1})"}) {
    answer = co_await post(hub, "a", token, body, json);
    EXPECT_TRUE(refuses(answer, 400, "bad_json")) << body;
  }
  for (const std::string& key : {std::string(), std::string("\"\""), std::string(65, 'k')}) {
    answer = co_await post(hub, "a", token, "x", "Idempotency-Key: " + key + "\r\n");
    EXPECT_TRUE(refuses(answer, 400, "bad_idempotency_key")) << key;
  }
  EXPECT_EQ((co_await ask_http(hub.web_address(), "GET /api/rooms/a/messages")).status, 405);
  // Nothing of this was said, and others are served.
  co_await bob.ask("JOIN #a");
  const std::string text = co_await bob.ask("CHATHISTORY LATEST #a * 10");
  EXPECT_EQ(count_of(text, " PRIVMSG #a "), 1U) << text;
}

HUB_TEST(HubBots, MayDoWhatTheirOwnersMay) {
  HubClient ann = co_await hub.member("ann", std::string(modern));
  const std::string token = co_await make_token(ann, "ci");
  for (const char* line : {"JOIN #kept", "MODE #kept +r", "JOIN #mine"}) co_await ann.ask(line);
  HubClient bob = co_await hub.client("bob", std::string(modern));
  for (const char* line : {"JOIN #kept", "JOIN #mine", "JOIN #quiet", "MODE #quiet +m"}) {
    co_await bob.ask(line);
  }
  co_await ann.ask("JOIN #quiet");
  EXPECT_TRUE(refuses(co_await post(hub, "quiet", token, "x"), 403, "may_not_speak"));
  co_await bob.ask("MODE #quiet +v ann");
  EXPECT_EQ((co_await post(hub, "quiet", token, "x")).status, 201);
  EXPECT_EQ((co_await post(hub, "mine", token, "x")).status, 201);
  co_await ann.send("QUIT");
  co_await bob.until(":ann!~ann@localhost QUIT");
  // What a registered room grants the account holds while nobody of it is there.
  EXPECT_EQ((co_await post(hub, "kept", token, "x")).status, 201);
  EXPECT_TRUE(refuses(co_await post(hub, "mine", token, "x"), 403, "may_not_speak"));
}

HUB_TEST(HubBots, MayDoNothingOnceTheirTokenIsRevoked) {
  HubClient ann = co_await hub.member("ann", std::string(modern));
  co_await ann.ask("JOIN #a");
  const std::string stolen = co_await make_token(ann, "laptop");
  const std::string kept = co_await make_token(ann, "server");
  EXPECT_EQ((co_await post(hub, "a", stolen, "x")).status, 201);
  co_await ann.ask("TOKEN REVOKE 1");
  EXPECT_TRUE(refuses(co_await post(hub, "a", stolen, "x"), 401, "invalid_token"));
  EXPECT_EQ((co_await post(hub, "a", kept, "x")).status, 201);
}

HUB_TEST(HubBots, ThatFloodAreHeldBackAlone) {
  hub::Config config = hub.config;
  config.burst_lines = 5;
  config.lines_per_second = 1;
  HubClient ann = co_await hub.member("ann", std::string(modern));
  HubClient bob = co_await hub.member("bob", std::string(modern));
  co_await ann.ask("JOIN #a");
  co_await bob.ask("JOIN #a");
  const std::string token = co_await make_token(ann, "ci");
  const std::string other = co_await make_token(ann, "ci");
  const std::string of_bob = co_await make_token(bob, "ci");
  hub.set_config(config);
  co_await hub.settle();
  std::size_t said = 0;
  HttpAnswer answer;
  for (int i = 0; i < 100; ++i) {
    answer = co_await post(hub, "a", i % 2 == 0 ? token : other, "x");
    if (answer.status != 201) break;
    ++said;
  }
  EXPECT_GE(said, 5U);
  EXPECT_LT(said, 100U);
  EXPECT_TRUE(refuses(answer, 429, "rate_limited"));
  EXPECT_TRUE(has(answer.text, "Retry-After: 1\r\n"));
  EXPECT_EQ((co_await post(hub, "a", of_bob, "x")).status, 201);
  // Guessing is held back too, and does not touch those who have a token.
  for (int i = 0; i < 100; ++i) {
    answer = co_await post(hub, "a", "guess" + std::to_string(i), "x");
    if (answer.status != 401) break;
  }
  EXPECT_TRUE(refuses(answer, 429, "rate_limited"));
  EXPECT_EQ((co_await post(hub, "a", of_bob, "x")).status, 201);
}

/// A stream of a room's events, read one after the other.
class EventReader {
 public:
  /// The status is not 200: the answer, and no stream.
  static Task<EventReader> open(TestHub& hub, std::string room, std::string token,
                                std::string last_id = "") {
    co_await hub.settle();
    EventReader listener(co_await StreamSocket::connect(hub.web_address()));
    std::string head = "GET /api/rooms/" + room +
                       "/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token +
                       "\r\n";
    if (!last_id.empty()) head += "Last-Event-ID: " + last_id + "\r\n";
    head += "\r\n";
    co_await listener.socket_.write_all(head);
    co_return listener;
  }

  /// All up to the first `part` from here on.
  Task<std::string> until(std::string part) {
    std::size_t at = received_.find(part);
    while (at == std::string::npos) {
      const Lease data = co_await with_timeout(patience, socket_.receive());
      if (data.empty()) {
        ADD_FAILURE() << "no " << part << ", but the end after " << received_;
        co_return "";
      }
      received_.append(reinterpret_cast<const char*>(data.data()), data.size());
      at = received_.find(part);
    }
    std::string all = received_.substr(0, at + part.size());
    received_.erase(0, all.size());
    co_return all;
  }

 private:
  explicit EventReader(StreamSocket socket) : socket_(std::move(socket)) {}
  StreamSocket socket_;
  std::string received_;
};

std::string event_id(const std::string& text) {
  const std::size_t at = text.rfind("\nid: ");
  return at == std::string::npos ? "" : text.substr(at + 5, text.find('\n', at + 1) - at - 5);
}

HUB_TEST(HubBots, HearWhatIsSaid) {
  HubClient ann = co_await hub.member("ann", std::string(modern));
  co_await ann.ask("JOIN #a");
  HubClient bob = co_await hub.client("bob", std::string(modern));
  co_await bob.ask("JOIN #a");
  const std::string token = co_await make_token(ann, "ears");
  EventReader listener = co_await EventReader::open(hub, "a", token);
  std::string text = co_await listener.until(": listening\n\n");
  EXPECT_TRUE(has(text, "HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(has(text, "Content-Type: text/event-stream\r\n"));
  text = co_await bob.ask("PRIVMSG #a :hello");
  const std::string first = tag_of(line_with(text, "hello"), "msgid");
  text = co_await listener.until("\n\n");
  if (!text.contains("hello")) text = co_await listener.until("\n\n");  // there was a comment
  EXPECT_TRUE(has(text, "event: message\n"));
  EXPECT_TRUE(has(text, "\"from\":\"bob\""));
  EXPECT_TRUE(has(text, "\"text\":\"hello\""));
  EXPECT_EQ(event_id(text), first);
  co_await bob.ask("NOTICE #a :a \"notice\"");
  text = co_await listener.until("\\\"notice\\\"");
  EXPECT_TRUE(has(text, "event: notice\n"));
  co_await bob.ask("REDACT #a " + first);
  text = co_await listener.until("\"deleted\":\"" + first + "\"");
  EXPECT_TRUE(has(text, "event: deleted\n"));
  EXPECT_EQ((co_await post(hub, "a", token, "from a bot")).status, 201);
  text = co_await listener.until("\"from a bot\"");
  EXPECT_TRUE(has(text, "\"account\":\"ann\""));
  EXPECT_TRUE(has(text, "\"bot\":true"));
}

HUB_TEST(HubBots, GoOnWhereTheyWere) {
  HubClient ann = co_await hub.member("ann", std::string(modern));
  co_await ann.ask("JOIN #a");
  const std::string token = co_await make_token(ann, "ears");
  std::string first;
  for (int i = 0; i < 250; ++i) {
    const std::string text = co_await ann.ask("PRIVMSG #a :number " + std::to_string(i) + ".");
    if (i == 9) first = tag_of(line_with(text, " PRIVMSG "), "msgid");
  }
  EventReader listener = co_await EventReader::open(hub, "a", token, first);
  std::string text = co_await listener.until("number 249.");
  EXPECT_FALSE(text.contains("number 9."));
  std::size_t at = 0;
  for (int i = 10; i < 250; ++i) {
    const std::string wanted = "number " + std::to_string(i) + ".";
    at = text.find(wanted, at);
    EXPECT_NE(at, std::string::npos) << wanted;
    if (at == std::string::npos) break;
  }
  EXPECT_EQ(count_of(text, "event: message\n"), 240U);
  co_await ann.ask("PRIVMSG #a :and now");
  co_await listener.until("and now");
  // What is not to be had is told.
  const std::string other = "0123456789abcdef" + first.substr(first.find('.'));
  for (const std::string& id : {std::string("nonsense"), other}) {
    EventReader lost = co_await EventReader::open(hub, "a", token, id);
    text = co_await lost.until(": listening\n\n");
    EXPECT_TRUE(has(text, "event: gap\ndata: {\"message\":")) << id;
  }
}

HUB_TEST(HubBots, HearNothingThatIsNotForThem) {
  HubClient ann = co_await hub.member("ann", std::string(modern));
  HubClient bob = co_await hub.client("bob", std::string(modern));
  co_await bob.ask("JOIN #a");
  const std::string token = co_await make_token(ann, "ears");
  const std::string spare = co_await make_token(ann, "spare");
  const std::string field = "Authorization: Bearer " + token + "\r\n";
  HttpAnswer answer = co_await ask_http(hub.web_address(), "GET /api/rooms/a/events", field);
  EXPECT_TRUE(refuses(answer, 403, "may_not_read"));
  answer = co_await ask_http(hub.web_address(), "GET /api/rooms/a/events");
  EXPECT_TRUE(refuses(answer, 401, "token_required"));
  co_await ann.ask("JOIN #a");
  EventReader stolen = co_await EventReader::open(hub, "a", token);
  EventReader kept = co_await EventReader::open(hub, "a", spare);
  co_await stolen.until(": listening");
  co_await kept.until(": listening");
  co_await ann.ask("TOKEN REVOKE 1");
  co_await bob.ask("PRIVMSG #a :not for thieves");
  const std::string text = co_await stolen.until("event: end");
  EXPECT_FALSE(text.contains("thieves"));
  co_await kept.until("not for thieves");
  co_await bob.ask("KICK #a ann");
  co_await bob.ask("PRIVMSG #a :not for ann");
  const std::string last = co_await kept.until("event: end");
  EXPECT_FALSE(last.contains("not for ann"));
}

}  // namespace
}  // namespace ieum::test
