// The chat: people who talk, one who does not read, one who vanishes, one who sends rubbish; the
// end.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <random>
#include <sstream>

#include "examples/programs.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// The chat on a port that the system chose.
struct Chat {
  Chat() : child({example("chat"), "127.0.0.1:0"}, Input::nothing()) {
    child.read_until("listens on 127.0.0.1:");
    port = child.read_until(".");
    port.pop_back();
  }
  Child child;
  std::string port;
};

/// Somebody in the chat, through ncat or through our own client.
struct Person {
  enum class With : std::uint8_t { ncat, talk };
  Person(const Chat& chat, With with, std::string_view name)
      : child(with == With::ncat
                  ? std::vector<std::string>{"ncat", "127.0.0.1", chat.port}
                  : std::vector<std::string>{example("talk"), "127.0.0.1:" + chat.port}) {
    child.read_until("* In lobby: ");
    child.read_until("\n");
    if (name.empty()) return;
    say("/name " + std::string(name));
    hears("* You are now called " + std::string(name) + ".");
  }
  void say(const std::string& line) { child.write(line + "\n"); }
  /// Waits for this line; those before it are forgotten.
  void hears(const std::string& line) { child.read_until(line + "\n"); }
  /// Expects the next lines to be exactly these.
  void hears_next(const std::string& lines) {
    EXPECT_EQ(child.read_until(lines + "\n"), lines + "\n");
  }
  void leaves() { child.close_input(); }

  Child child;
};

void join_all(Person& first, Person& second, Person& third, Person& fourth) {
  // The last to take a name has been seen by all: nothing is under way any more.
  for (Person* person : {&first, &second, &third}) person->hears("* guest4 is now called 새벽.");
  static_cast<void>(fourth);
}

TEST(Chat, ThreeNcatsAndOneClientOfOurOwnTalk) {
  SKIP_WITHOUT_NCAT();
  Chat chat;
  Person ann(chat, Person::With::ncat, "Ann");
  Person sky(chat, Person::With::ncat, "하늘");
  Person sea(chat, Person::With::ncat, "바다");
  Person own(chat, Person::With::talk, "새벽");
  join_all(ann, sky, sea, own);

  sky.say("안녕하세요 여러분");
  ann.hears_next("하늘: 안녕하세요 여러분");
  sea.hears_next("하늘: 안녕하세요 여러분");
  own.hears_next("하늘: 안녕하세요 여러분");
  own.say("Hello, 하늘");
  for (Person* person : {&ann, &sky, &sea}) person->hears_next("새벽: Hello, 하늘");

  own.say("/who");
  own.hears_next("* In lobby: Ann, 하늘, 바다, 새벽 (you)");
  sea.say("/join 부엌");
  sea.hears_next("* In 부엌: 바다 (you)");
  for (Person* person : {&ann, &sky, &own}) person->hears_next("* 바다 has gone to 부엌.");
  sky.say("/join 부엌");
  sky.hears_next("* In 부엌: 바다, 하늘 (you)");
  sea.hears_next("* 하늘 has come to 부엌.");
  ann.hears_next("* 하늘 has gone to 부엌.");
  own.hears_next("* 하늘 has gone to 부엌.");
  ann.say("/rooms");
  ann.hears_next("* Rooms: lobby (2), 부엌 (2)");

  sky.say("only here");  // each room hears its own
  sea.hears_next("하늘: only here");
  ann.say("only there");
  own.hears_next("Ann: only there");
  ann.say("/msg 바다 비밀 하나");  // a private word crosses rooms
  ann.hears_next("(to 바다): 비밀 하나");
  sea.hears_next("Ann (to you): 비밀 하나");
  sky.say("after");
  sea.hears_next("하늘: after");

  sea.say("/quit");
  sea.hears_next("* Goodbye. (If your client stays, press Enter.)");
  sky.hears_next("* 바다 has left the chat.");
  own.leaves();  // the end of the input is an end too
  ann.hears_next("* 새벽 has left the chat.");
  EXPECT_EQ(own.child.wait(), 0);
}

TEST(Chat, SaysHowToUseIt) {
  Chat chat;
  Child client({example("talk"), "127.0.0.1:" + chat.port});
  EXPECT_EQ(client.read_until("(you)\n"),
            "* Welcome to the ieum chat. You are guest1.\n"
            "* Type to talk. Take a name with /name NAME; /help shows what else there is.\n"
            "* In lobby: guest1 (you)\n");
  client.write("/help\n");
  const std::string help = client.read_until("to say a slash.\n");
  for (const char* command : {"/name", "/join", "/rooms", "/who", "/msg", "/help", "/quit"}) {
    EXPECT_TRUE(help.contains(command)) << command;
  }
}

TEST(Chat, RefusesWrongCommandsAndNames) {
  Chat chat;
  Person ann(chat, Person::With::talk, "Ann");
  Person bea(chat, Person::With::talk, "Bea");
  const std::string rule = "* A name has letters, digits, - and _, at most 20 of them.";
  for (const char* name : {"two words", "a:b", "\x1b[31mred", "a\xff", "123456789012345678901", "*",
                           "\xe3\x85\xa4" /* U+3164, a filler */, "a\xe2\x80\x8b" /* U+200B */}) {
    bea.say("/name " + std::string(name));
    bea.hears_next(rule);
  }
  bea.say("/join ../..");
  bea.hears_next(rule);
  bea.say("/name aNN");
  bea.hears_next("* The name aNN is taken.");
  bea.say("/nmae Bob");
  bea.hears_next("* There is no command /nmae; did you mean /name?");
  bea.say("/h");
  bea.hears_next("* There is no command /h; did you mean /help?");
  bea.say("/\x1b[2Jfrobnicate");
  bea.hears_next("* There is no command /␛[2Jfrobnicate; /help shows those that there are.");
  bea.say("/name");
  bea.hears_next("* Write /name NAME.");
  bea.say("/msg Ann");
  bea.hears_next("* What do you want to say? Write /msg NAME TEXT.");
  bea.say("/msg nobody hello");
  bea.hears_next("* Nobody here is called nobody.");
  bea.say("//slash");
  ann.hears("Bea: /slash");
  bea.say("/name 열두글자까지는되는이름");
  bea.hears_next("* You are now called 열두글자까지는되는이름.");
}

TEST(Chat, ShowsNobodyTheControlCharactersOfOthers) {
  Chat chat;
  Person ann(chat, Person::With::talk, "Ann");
  Person eve(chat, Person::With::talk, "Eve");
  ann.hears("* guest2 is now called Eve.");
  eve.say("\x1b[2J\x1b]0;owned\x07 a\tb\x7f\b\r\r");
  ann.hears_next("Eve: ␛[2J␛]0;owned␇ a b␡␈␍");
  eve.say(std::string("zero \0 byte", 11));
  ann.hears_next("Eve: zero ␀ byte");
  eve.say("c1 \xc2\x9b bidi \xe2\x80\xae line \xe2\x80\xa8.");
  ann.hears_next("Eve: c1 \xef\xbf\xbd bidi \xef\xbf\xbd line \xef\xbf\xbd.");
  eve.say("overlong \xc0\xaf surrogate \xed\xa0\x80 cut \xed\x95");
  ann.hears_next(
      "Eve: overlong \xef\xbf\xbd\xef\xbf\xbd surrogate \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
      " cut \xef\xbf\xbd\xef\xbf\xbd");
  eve.say("/msg Ann \x1b[31mred");
  ann.hears_next("Eve (to you): ␛[31mred");
  eve.say("한글은 그대로, 👋🏽 too");
  ann.hears_next("Eve: 한글은 그대로, 👋🏽 too");
}

TEST(Chat, IgnoresLinesThatAreTooLong) {
  Chat chat;
  Person ann(chat, Person::With::talk, "Ann");
  Person eve(chat, Person::With::talk, "Eve");
  ann.hears("* guest2 is now called Eve.");
  const std::string refusal = "* That line was too long, nobody got it: at most 1023 bytes.";
  for (const std::size_t bytes : {1024, 5000, 300'000}) {
    eve.say(std::string(bytes, 'x'));
    eve.hears_next(refusal);  // once, and the connection lives
  }
  eve.say(std::string(1023, 'y'));
  ann.hears_next("Eve: " + std::string(1023, 'y'));
  eve.child.write(std::string(2000, 'z') + "\nshort\nwithout an end");
  eve.hears_next(refusal);
  eve.leaves();
  ann.hears_next("Eve: short\nEve: without an end\n* Eve has left the chat.");
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xC2 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                                             : 4;
    if (length == 0 || lead > 0xF4 || i + length > text.size()) return false;
    for (std::size_t j = 1; j < length; ++j) {
      if ((static_cast<unsigned char>(text[i + j]) & 0xC0) != 0x80) return false;
    }
    i += length;
  }
  return true;
}

TEST(Chat, SurvivesBinaryRubbish) {
  Chat chat;
  Person ann(chat, Person::With::talk, "Ann");
  Person eve(chat, Person::With::talk, "Eve");
  std::mt19937_64 random(seed());
  for (int piece = 0; piece < 20; ++piece) {
    std::string rubbish(10'000, '\0');
    for (char& byte : rubbish) byte = static_cast<char>(random());
    eve.child.write(rubbish);
    const std::string mark = "piece " + std::to_string(piece);
    eve.say("\n/msg Ann " + mark);
    const std::string heard = ann.child.read_until("(to you): " + mark + "\n");
    EXPECT_TRUE(is_utf8(heard));
    EXPECT_TRUE(std::ranges::none_of(
        heard, [](unsigned char byte) { return (byte < 0x20 && byte != '\n') || byte == 0x7F; }));
  }
  EXPECT_TRUE(chat.child.runs());
}

/// A line of 1000 bytes that names its round and place.
std::string numbered(int round, int line) {
  std::string text = "round " + std::to_string(round) + " line " + std::to_string(line) + " ";
  text.resize(1000, '.');
  return text;
}

TEST(Chat, OneWhoIsStoppedNeverSlowsTheOthers) {
  SKIP_WITHOUT_NCAT();
  constexpr int rounds = 200;
  constexpr int lines = 20;
  Chat chat;
  Person ann(chat, Person::With::ncat, "Ann");
  Person sleeper(chat, Person::With::ncat, "Sleeper");
  Person sea(chat, Person::With::ncat, "바다");
  Person own(chat, Person::With::talk, "새벽");
  join_all(ann, sleeper, sea, own);
  sleeper.child.signal(SIGSTOP);

  const std::size_t memory_before = chat.child.memory_bytes();
  Clock::duration slowest{};
  for (int round = 0; round < rounds; ++round) {
    std::string said;
    std::string heard;
    for (int line = 0; line < lines; ++line) {
      said += numbered(round, line) + "\n";
      heard += "새벽: " + numbered(round, line) + "\n";
    }
    const auto from = Clock::now();
    own.child.write(said);
    for (Person* person : {&ann, &sea}) {  // every line, in order
      ASSERT_EQ(person->child.read_until(numbered(round, lines - 1) + "\n"), heard);
    }
    slowest = std::max(slowest, Clock::now() - from);
  }
  const std::size_t memory_after = chat.child.memory_bytes();
  const auto slowest_ms = std::chrono::duration_cast<std::chrono::milliseconds>(slowest).count();
  std::printf(
      "  %d lines beside one who is stopped: slowest round %lld ms, memory %zu -> %zu KiB\n",
      rounds * lines, static_cast<long long>(slowest_ms), memory_before >> 10, memory_after >> 10);
  EXPECT_LT(slowest, 5s);
  if (!sanitized) {  // which keep what was freed
    EXPECT_LT(memory_after, memory_before + (std::size_t{2} << 20));
  }

  // Awake again, it has what was kept, is told what was not, and takes part.
  sleeper.child.signal(SIGCONT);
  const std::string kept = sleeper.child.read_until(numbered(rounds - 1, lines - 1) + "\n");
  std::size_t got = 0;
  std::size_t dropped = 0;
  std::istringstream kept_lines(kept);
  for (std::string line; std::getline(kept_lines, line);) {
    const std::string notice = "* You were not reading: ";
    if (line.starts_with("새벽: round ")) ++got;
    if (line.starts_with(notice)) dropped += std::stoul(line.substr(notice.size()));
  }
  EXPECT_GT(dropped, 0);
  EXPECT_EQ(got + dropped, std::size_t{rounds} * lines);
  sleeper.say("good morning");
  ann.hears_next("Sleeper: good morning");
}

TEST(Chat, TellsTheOthersThatOneHasVanished) {
  Chat chat;
  Person ann(chat, Person::With::talk, "Ann");
  Person bea(chat, Person::With::talk, "Bea");
  ann.hears("* guest2 is now called Bea.");
  bea.child.signal(SIGKILL);
  ann.hears_next("* Bea has left the chat.");
  ann.say("/who");
  ann.hears_next("* In lobby: Ann (you)");
}

TEST(Chat, AtSigtermTellsEveryoneAndEndsWell) {
  SKIP_WITHOUT_NCAT();
  for (const int number : {SIGTERM, SIGINT}) {
    Chat chat;
    Person ann(chat, Person::With::ncat, "Ann");
    Person sea(chat, Person::With::ncat, "바다");
    Person own(chat, Person::With::talk, "새벽");
    sea.say("/join 부엌");
    sea.hears("* In 부엌: 바다 (you)");
    const auto from = Clock::now();
    chat.child.signal(number);
    for (Person* person : {&ann, &sea, &own}) {
      person->hears("* The server is going down. (If your client stays, press Enter.)");
    }
    EXPECT_EQ(chat.child.wait(), 0);
    EXPECT_LT(Clock::now() - from, 5s);
    EXPECT_EQ(chat.child.error_output(), "The chat has ended: 3 sessions finished, 0 cut off.\n");
    EXPECT_EQ(own.child.wait(), 0);
  }
}

TEST(Chat, AtSigtermCutsOffWhoDoesNotRead) {
  SKIP_WITHOUT_NCAT();
  Chat chat;
  Person ann(chat, Person::With::talk, "Ann");
  Person sleeper(chat, Person::With::ncat, "Sleeper");
  sleeper.child.signal(SIGSTOP);
  for (int round = 0; round < 60; ++round) {
    std::string said;
    for (int line = 0; line < 100; ++line) said += numbered(round, line) + "\n";
    ann.child.write(said);
  }
  ann.say("/who");  // the answer comes when all that is said
  ann.hears("* In lobby: Ann (you), Sleeper");
  const auto from = Clock::now();
  chat.child.signal(SIGTERM);
  ann.hears("* The server is going down. (If your client stays, press Enter.)");
  EXPECT_LT(Clock::now() - from, 3s);
  EXPECT_EQ(chat.child.wait(), 0);
  EXPECT_GE(Clock::now() - from, 4900ms);
  EXPECT_EQ(chat.child.error_output(), "The chat has ended: 1 session finished, 1 cut off.\n");
}

TEST(Chat, EndsAtOnceWhenNobodyIsThere) {
  Chat chat;
  const auto from = Clock::now();
  chat.child.signal(SIGTERM);
  EXPECT_EQ(chat.child.wait(), 0);
  EXPECT_LT(Clock::now() - from, 3s);
  EXPECT_EQ(chat.child.error_output(), "The chat has ended: 0 sessions finished, 0 cut off.\n");
}

Task<std::string> welcome_of(StreamSocket& socket) {
  std::string received;
  const std::size_t bytes = co_await socket.read_until(received, "\n", 1024);
  co_return received.substr(0, bytes);
}

Task<> fill(std::string address) {
  constexpr std::size_t members_max = 256;
  std::vector<StreamSocket> members;
  for (std::size_t i = 0; i < members_max; ++i) {
    StreamSocket member = co_await StreamSocket::connect(address);
    members.push_back(std::move(member));
    const std::string welcome = co_await welcome_of(members.back());
    EXPECT_EQ(welcome, "* Welcome to the ieum chat. You are guest" + std::to_string(i + 1) + ".\n");
  }
  StreamSocket one_more = co_await StreamSocket::connect(address);
  const std::string refusal = co_await welcome_of(one_more);
  EXPECT_EQ(refusal, "* The chat is full. Please try again later.\n");
  std::array<std::byte, 16> nothing;
  const std::size_t rest = co_await one_more.read_some(nothing);
  EXPECT_EQ(rest, 0);
  co_await one_more.close();

  co_await members.back().write_all("/quit\n");
  std::string heard;
  const std::size_t bytes = co_await members.back().read_until(heard, "Goodbye", 4096);
  EXPECT_GT(bytes, 0);
  // The place is free once the connection ends, which is after the goodbye.
  std::array<std::byte, 256> farewell;
  while (const std::size_t more = co_await members.back().read_some(farewell)) {
    static_cast<void>(more);
  }
  StreamSocket next = co_await StreamSocket::connect(address);
  const std::string welcome = co_await welcome_of(next);
  EXPECT_TRUE(welcome.starts_with("* Welcome")) << welcome;
}

TEST(Chat, TellsWhoIsTooManyThatItIsFull) {
  Chat chat;
  expect_success(with_timeout(patience * 2, fill("127.0.0.1:" + chat.port)));
  EXPECT_TRUE(chat.child.runs());
}

TEST(Chat, AnswersAClientThatHasFinishedSending) {
  SKIP_WITHOUT_NCAT();
  Chat chat;
  Person ann(chat, Person::With::talk, "Ann");
  const TemporaryFile lines("/name 파일\nfrom a file\n/who\n");
  Child client({"ncat", "127.0.0.1", chat.port}, Input::file(lines.path()));
  const std::string all = client.read_all();
  EXPECT_TRUE(all.ends_with("* You are now called 파일.\n* In lobby: Ann, 파일 (you)\n")) << all;
  ann.hears("파일: from a file");
  EXPECT_EQ(client.wait(), 0);
}

TEST(Chat, SaysWhoHoldsAPortThatIsTaken) {
  Chat chat;
  Child second({example("chat"), "127.0.0.1:" + chat.port});
  EXPECT_EQ(second.wait(), 1);
  const std::string error = second.error_output();
  EXPECT_TRUE(error.starts_with("listen 127.0.0.1:" + chat.port + ": address already in use"))
      << error;
  EXPECT_EQ(std::ranges::count(error, '\n'), 1) << error;
  EXPECT_EQ(second.read_all(), "");
}

TEST(Chat, SaysWhereAndHowToJoin) {
  Child anywhere({example("chat"), "*:0"});
  const std::string line = anywhere.read_until("\n");
  const std::size_t at = line.find("[::]:");
  ASSERT_NE(at, std::string::npos) << line;
  const std::string port = line.substr(at + 5, line.find(". ") - at - 5);
  EXPECT_EQ(line,
            "The chat listens on [::]:" + port + ". Join it with: ncat 127.0.0.1 " + port + "\n");
  Child client({example("talk"), "127.0.0.1:" + port});
  client.read_until("* Welcome");
}

TEST(Chat, RefusesWrongArguments) {
  struct Wrong {
    std::vector<std::string> arguments;
    std::string error;
  };
  const std::vector<Wrong> all{
      {{"--prot"}, "chat: unknown option '--prot'; chat --help shows how to start it\n"},
      {{"127.0.0.1:0", "127.0.0.1:0"},
       "chat: one address is enough; chat --help shows how to start it\n"},
      {{"unix:/tmp/chat"}, "chat: it speaks TCP: give an address such as 127.0.0.1:7000\n"}};
  for (const Wrong& wrong : all) {
    std::vector<std::string> command{example("chat")};
    command.insert(command.end(), wrong.arguments.begin(), wrong.arguments.end());
    Child chat(command);
    EXPECT_EQ(chat.wait(), 2);
    EXPECT_EQ(chat.error_output(), wrong.error);
  }
  Child nowhere({example("chat"), "nowhere"});
  EXPECT_EQ(nowhere.wait(), 2);
  EXPECT_TRUE(nowhere.error_output().contains("\"nowhere\"")) << nowhere.error_output();
  Child help({example("chat"), "--help"});
  EXPECT_TRUE(help.read_all().starts_with("usage: chat [ADDRESS]\n"));
  EXPECT_EQ(help.wait(), 0);
}

}  // namespace
}  // namespace ieum::test
