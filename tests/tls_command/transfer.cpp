// `ieum send` and `ieum recv`: what arrives is what was sent, whatever happens on the way.
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "cli/datagrams.hpp"
#include "tls_command/tls_command.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

void write_file(const std::string& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
}

/// Bytes that compress badly and differ everywhere.
std::string noise(std::size_t size, unsigned seed = 1) {
  std::string bytes(size, '\0');
  std::uint64_t state = seed * 0x9e3779b97f4a7c15ULL + 1;
  for (char& one : bytes) {
    state ^= state << 13U;
    state ^= state >> 7U;
    state ^= state << 17U;
    one = static_cast<char>(state);
  }
  return bytes;
}

/// A folder to send from, and one to receive into.
struct Folders {
  TemporaryDirectory root;
  std::string from = root.path("from");
  std::string to = root.path("to");
  Folders() {
    fs::create_directory(from);
    fs::create_directory(to);
  }
  [[nodiscard]] bool are_same(const std::string& name) const {
    return Child({"diff", "-r", from + "/" + name, to + "/" + name}).wait() == 0;
  }
  /// The names of files that are being received.
  [[nodiscard]] std::vector<fs::path> parts() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(to)) {
      if (entry.path().extension() == ".part") found.push_back(entry.path());
    }
    return found;
  }
};

struct Receiver {
  explicit Receiver(const std::string& folder, const Words& options = {})
      : child(ieum_command(with({"recv", "--from", "listen:127.0.0.1:0", "-d", folder}, options)),
              Input::nothing()),
        address(where_it_listens(child)) {}
  Child child;
  std::string address;
};

/// How both ended.
struct Both {
  Said sent;
  Said received;
};

Said end_of(Child& child) {
  Said said;
  said.output = child.read_all(10 * patience);
  said.status = child.wait();
  said.errors = child.error_output();
  return said;
}

Both transfer(const Folders& folders, Words paths, const Words& receiving = {}) {
  Receiver receiver(folders.to, receiving);
  for (std::string& path : paths) path = folders.from + "/" + path;
  Child sender(ieum_command(with({"send", "--to", receiver.address}, paths)), Input::nothing());
  Both both;
  both.sent = end_of(sender);
  both.received = end_of(receiver.child);
  return both;
}

void expect_both_well(const Both& both) {
  EXPECT_EQ(both.sent.status, 0) << both.sent.errors;
  EXPECT_EQ(both.received.status, 0) << both.received.errors;
  EXPECT_EQ(both.sent.output, both.received.output);
}

TEST(Transfer, FilesAndFoldersArriveWithTheirHashes) {
  const Folders folders;
  write_file(folders.from + "/big", noise(3'000'000));
  fs::create_directories(folders.from + "/folder/inner/empty");
  write_file(folders.from + "/folder/two\nlines", "x");
  write_file(folders.from + "/folder/back\\slash", "y");
  write_file(folders.from + "/folder/inner/nothing", "");
  write_file(folders.from + "/folder/inner/\xff\x01 odd", "z");
  ASSERT_EQ(::chmod((folders.from + "/big").c_str(), 0751), 0);
  const auto then = fs::file_time_type::clock::now() - std::chrono::hours(1000);
  fs::last_write_time(folders.from + "/big", then);
  const Both both = transfer(folders, {"big", "folder"});
  expect_both_well(both);
  EXPECT_TRUE(folders.are_same("big"));
  EXPECT_TRUE(folders.are_same("folder"));
  EXPECT_TRUE(fs::is_directory(folders.to + "/folder/inner/empty"));
  EXPECT_EQ(fs::last_write_time(folders.to + "/big"), fs::last_write_time(folders.from + "/big"));
  EXPECT_EQ(fs::status(folders.to + "/big").permissions() & fs::perms(0700), fs::perms(0700));
  EXPECT_TRUE(folders.parts().empty());
  // The proof is one for sha256sum(1) too.
  const TemporaryFile sums(both.sent.output);
  Child check({"sh", "-c", "cd \"$0\" && sha256sum -c --strict \"$1\"", folders.to, sums.path()});
  EXPECT_EQ(check.wait(), 0) << both.sent.output;
  EXPECT_EQ(std::ranges::count(both.sent.output, '\n'), 5);
}

TEST(Transfer, NothingIsOverwrittenUnlessAsked) {
  const Folders folders;
  write_file(folders.from + "/a", "new");
  write_file(folders.from + "/b", "newer");
  write_file(folders.from + "/c", "fine");
  write_file(folders.to + "/a", "old");
  write_file(folders.to + "/b", "old");
  const Both both = transfer(folders, {"a", "b", "c"});
  EXPECT_EQ(both.sent.status, 1);
  EXPECT_EQ(both.received.status, 1);
  EXPECT_EQ(content_of(folders.to + "/a"), "old");
  EXPECT_EQ(content_of(folders.to + "/b"), "old");
  EXPECT_EQ(content_of(folders.to + "/c"), "fine");
  EXPECT_TRUE(both.sent.errors.contains("stays as it is; see 'ieum recv --overwrite'"))
      << both.sent.errors;
  expect_both_well(transfer(folders, {"a", "b", "c"}, {"--overwrite"}));
  EXPECT_EQ(content_of(folders.to + "/a"), "new");
  EXPECT_EQ(content_of(folders.to + "/b"), "newer");
  // What is there already counts, and is not sent again.
  expect_both_well(transfer(folders, {"a", "b", "c"}));
}

TEST(Transfer, OverTlsAndWithASenderThatListens) {
  const Folders folders;
  write_file(folders.from + "/file", noise(1'000'000));
  Child receiver(
      ieum_command({"recv", "--from", "listen:tls://127.0.0.1:0?self-signed=1", "-d", folders.to}),
      Input::nothing());
  const std::string address = where_it_listens(receiver);
  receiver.read_error_until("its pin is ");
  std::string pin = receiver.read_error_until("\n");
  pin.pop_back();
  Child sender(ieum_command({"send", "--to", "tls://" + address + "?insecure=1&pin=" + pin,
                             folders.from + "/file"}),
               Input::nothing());
  EXPECT_EQ(end_of(sender).status, 0);
  EXPECT_EQ(end_of(receiver).status, 0);
  EXPECT_TRUE(folders.are_same("file"));

  write_file(folders.from + "/other", "hello");
  Child waiting(ieum_command({"send", "--to", "listen:127.0.0.1:0", folders.from + "/other"}),
                Input::nothing());
  Child connecting(ieum_command({"recv", "--from", where_it_listens(waiting), "-d", folders.to}),
                   Input::nothing());
  EXPECT_EQ(end_of(connecting).status, 0);
  EXPECT_EQ(end_of(waiting).status, 0);
  EXPECT_TRUE(folders.are_same("other"));
}

TEST(Transfer, WhatCannotBeSentIsToldAndTheRestArrives) {
  const Folders folders;
  write_file(folders.from + "/good", "good");
  fs::create_symlink("/etc/passwd", folders.from + "/link");
  const Both both = transfer(folders, {"nosuch", "link", "good"});
  EXPECT_EQ(both.sent.status, 1);
  EXPECT_TRUE(both.sent.errors.contains("symbolic link")) << both.sent.errors;
  EXPECT_EQ(content_of(folders.to + "/good"), "good");
  EXPECT_FALSE(fs::exists(folders.to + "/link"));
}

// ---- Finding each other -------------------------------------------------------------------------

/// Says `text`, hears whatever comes, and stays until it is sent away.
Task<> come_as_stranger(std::string to, std::string text) {
  StreamSocket peer = co_await StreamSocket::connect(to);
  co_await peer.write_all(text);
  const Result<std::string> heard = co_await attempt(read_to_end(peer));
  static_cast<void>(heard);
}

TEST(Transfer, StrangersAreSentAwayUntilTheSenderComes) {
  const Folders folders;
  write_file(folders.from + "/file", noise(100'000));
  Receiver receiver(folders.to);
  auto body = [&]() -> Task<> {
    // One that says nothing stays, and keeps nobody out.
    StreamSocket silent = co_await StreamSocket::connect(receiver.address);
    co_await come_as_stranger(receiver.address, "GET / HTTP/1.0\r\n\r\n");
    StreamSocket gone = co_await StreamSocket::connect(receiver.address);
    co_await gone.close();
    Child sender(ieum_command({"send", "--to", receiver.address, folders.from + "/file"}),
                 Input::nothing());
    const Said sent = end_of(sender);
    EXPECT_EQ(sent.status, 0) << sent.errors;
    co_await silent.close();
  };
  succeed(body());
  const Said received = end_of(receiver.child);
  EXPECT_EQ(received.status, 0) << received.errors;
  EXPECT_TRUE(received.errors.contains(
      "was sent away: the other side is no 'ieum send': it says 'GET / HTTP/1.0'"))
      << received.errors;
  EXPECT_TRUE(folders.are_same("file"));
}

TEST(Transfer, TheLineForTheOtherMachineIsOneThatWorks) {
  const Folders folders;
  write_file(folders.from + "/file", noise(1000));
  for (const std::string& from :
       {std::string("listen:127.0.0.1:0"), std::string("listen:tls://127.0.0.1:0?self-signed=1")}) {
    Child receiver(ieum_command({"recv", "--overwrite", "--from", from, "-d", folders.to}),
                   Input::nothing());
    receiver.read_error_until("on the other machine: ieum ");
    std::string line = receiver.read_error_until(" FILE...\n");
    line.resize(line.size() - std::string_view("FILE...\n").size());
    Child sender(shell("\"$0\" " + line + "\"$1\"", {folders.from + "/file"}), Input::nothing());
    const Said sent = end_of(sender);
    EXPECT_EQ(sent.status, 0) << line << sent.errors;
    EXPECT_EQ(end_of(receiver).status, 0);
  }
  Child sender(ieum_command({"send", "--to", "listen:127.0.0.1:0", folders.from + "/file"}),
               Input::nothing());
  sender.read_error_until("on the other machine: ieum recv --from 127.0.0.1:");
}

TEST(Transfer, TwoOfAKindAreToldSo) {
  const Folders folders;
  write_file(folders.from + "/file", "x");
  Child waiting(ieum_command({"send", "--to", "listen:127.0.0.1:0", folders.from + "/file"}),
                Input::nothing());
  Child other(ieum_command({"send", "--to", where_it_listens(waiting), folders.from + "/file"}),
              Input::nothing());
  EXPECT_NE(end_of(other).status, 0);
  const Said said = end_of(waiting);
  EXPECT_NE(said.status, 0);
}

TEST(Transfer, OptionsAreNamedAsTheAddressHasThem) {
  const TemporaryFile file("x");
  Said said = run_command({"recv", "--from", "listen:tls://127.0.0.1:0"});
  EXPECT_EQ(said.status, 2);
  EXPECT_TRUE(said.errors.contains("?cert=FILE and ?key=FILE, or write ?self-signed=1"))
      << said.errors;
  const Server server({"--echo"}, Input::nothing());
  said = run_command({"send", "--to", server.url(), file.path()});
  EXPECT_EQ(said.status, 60);
  EXPECT_TRUE(said.errors.contains("name its issuer with ?ca=FILE")) << said.errors;
  EXPECT_FALSE(said.errors.contains("--")) << said.errors;
  const Server another({"--echo"}, Input::nothing());
  said = run_command({"relay", another.url(), "-"});
  EXPECT_TRUE(said.errors.contains("with ?insecure=1&pin=")) << said.errors;
}

// ---- Cut off ------------------------------------------------------------------------------------

/// Kills one side when so much has arrived; afterwards all goes on from there.
void kill_and_go_on(bool kills_sender, double at) {
  const std::size_t size = long_form() ? std::size_t{256} << 20U : std::size_t{16} << 20U;
  const Folders folders;
  write_file(folders.from + "/file", noise(size));
  {
    Receiver receiver(folders.to);
    Child sender(ieum_command({"send", "--to", receiver.address, folders.from + "/file"}),
                 Input::nothing());
    const auto wanted = static_cast<std::uintmax_t>(at * static_cast<double>(size));
    expect_soon("enough has arrived", [&] {
      const std::vector<fs::path> parts = folders.parts();
      std::error_code error;
      const bool enough = !parts.empty() && fs::file_size(parts.front(), error) >= wanted;
      return enough || fs::exists(folders.to + "/file");
    });
    Child& killed = kills_sender ? sender : receiver.child;
    Child& other = kills_sender ? receiver.child : sender;
    killed.signal(SIGKILL);
    killed.wait();
    const Said said = end_of(other);
    if (!fs::exists(folders.to + "/file")) {
      EXPECT_NE(said.status, 0) << "it called something done that was not";
      EXPECT_TRUE(said.errors.contains("run both again to go on")) << said.errors;
      EXPECT_EQ(said.output, "");
    }
  }
  const bool was_done = fs::exists(folders.to + "/file");
  const auto there = was_done ? size : fs::file_size(folders.parts().front());
  Receiver receiver(folders.to);
  Child sender(ieum_command({"send", "--json", "--to", receiver.address, folders.from + "/file"}),
               Input::nothing());
  const Said sent = end_of(sender);
  EXPECT_EQ(sent.status, 0) << sent.errors;
  EXPECT_EQ(end_of(receiver.child).status, 0);
  EXPECT_TRUE(folders.are_same("file"));
  EXPECT_TRUE(folders.parts().empty());
  EXPECT_LE(number_in(sent.errors, "closed", "sent"), size - there + (std::size_t{1} << 20U))
      << "what was there was sent again";
}

TEST(Transfer, GoesOnAfterTheSenderWasKilled) {
  const int points = long_form() ? 10 : 2;
  for (int i = 0; i < points; ++i) kill_and_go_on(true, (i + 0.5) / points);
}

TEST(Transfer, GoesOnAfterTheReceiverWasKilled) {
  const int points = long_form() ? 10 : 2;
  for (int i = 0; i < points; ++i) kill_and_go_on(false, (i + 0.5) / points);
}

TEST(Transfer, APartThatIsNotTheBeginningOfTheFileIsThrownAway) {
  const Folders folders;
  write_file(folders.from + "/file", noise(200'000));
  Receiver first(folders.to);
  Child killed(ieum_command({"send", "--to", first.address, folders.from + "/file"}),
               Input::nothing());
  end_of(killed);
  end_of(first.child);
  fs::remove(folders.to + "/file");
  const std::string digest_name = ".ieum-" + [] {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>("file"), 4, digest.data());
    std::string hex;
    for (std::size_t i = 0; i < 8; ++i) {
      constexpr std::string_view digits = "0123456789abcdef";
      hex += digits[digest[i] >> 4U];
      hex += digits[digest[i] & 15U];
    }
    return hex;
  }() + ".part";
  write_file(folders.to + "/" + digest_name, "something else");
  expect_both_well(transfer(folders, {"file"}));
  EXPECT_TRUE(folders.are_same("file"));
}

// ---- Damage -------------------------------------------------------------------------------------

/// Passes on from one client to `target`, but flips the bit at `offset` of what the client sends.
Task<> pass_damaged(Listener& listener, std::string target, std::uint64_t offset) {
  StreamSocket client = co_await listener.accept();
  StreamSocket server = co_await StreamSocket::connect(target);
  auto back = [&]() -> Task<> {
    const Result<std::uint64_t> copied = co_await attempt(copy(server, client));
    static_cast<void>(copied);
    const Result<> told = co_await attempt(client.shutdown_write());
    static_cast<void>(told);
  };
  auto there = [&]() -> Task<> {
    std::vector<std::byte> buffer(std::size_t{64} * 1024);
    std::uint64_t passed = 0;
    for (;;) {
      const Result<std::size_t> count = co_await attempt(client.read_some(buffer));
      if (!count || *count == 0) break;
      if (offset >= passed && offset < passed + *count) buffer[offset - passed] ^= std::byte{4};
      passed += *count;
      const Result<> sent = co_await attempt(server.write_all(ConstBuffer(buffer).first(*count)));
      if (!sent) break;
    }
    const Result<> told = co_await attempt(server.shutdown_write());
    static_cast<void>(told);
  };
  auto both = [&](Group& group) -> Task<> {
    group.start(back());
    co_await there();
  };
  co_await with_group(both);
}

TEST(Transfer, ABitThatFlipsOnTheWayIsFoundWhereverItIs) {
  // In the hello, in the name, in the size, in a head, in the data, early and late.
  for (const std::uint64_t offset : {8U, 45U, 60U, 85U, 299'000U}) {
    const Folders folders;
    write_file(folders.from + "/a file with a long name", noise(300'000));
    Receiver receiver(folders.to);
    Said sent;
    Said received;
    auto body = [&]() -> Task<> {
      Listener listener = co_await Listener::bind("127.0.0.1:0");
      Child sender(ieum_command({"send", "--to", listener.address().to_string(),
                                 folders.from + "/a file with a long name"}),
                   Input::nothing());
      co_await pass_damaged(listener, receiver.address, offset);
      sent = end_of(sender);
      received = end_of(receiver.child);
    };
    succeed(body());
    EXPECT_NE(sent.status, 0) << "at " << offset;
    EXPECT_NE(received.status, 0) << "at " << offset;
    EXPECT_EQ(sent.output + received.output, "") << "at " << offset;
    for (const auto& entry : fs::directory_iterator(folders.to)) {
      EXPECT_EQ(entry.path().extension(), ".part") << entry.path() << " at " << offset;
    }
    expect_both_well(transfer(folders, {"a file with a long name"}));
    EXPECT_TRUE(folders.are_same("a file with a long name"));
  }
}

// ---- Hostile peers ------------------------------------------------------------------------------

std::string frame(char type, const std::string& payload) {
  std::string bytes(1, type);
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes += static_cast<char>(payload.size() >> static_cast<unsigned>(shift));
  }
  bytes += payload;
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return bytes.append(reinterpret_cast<const char*>(digest.data()), 8);
}

std::string entry(char kind, const std::string& name, unsigned size = 4) {
  std::string payload(1, kind);
  payload += std::string(6, '\0') + "\x01\xff";  // mode
  payload += std::string(8, '\0');               // time
  payload += std::string(6, '\0');               // size
  payload += static_cast<char>(size >> 8U);
  payload += static_cast<char>(size);
  return frame('F', payload + name);
}

/// What the receiver answers to an entry of this name.
char answer_to(Receiver& receiver, char kind, const std::string& name) {
  char state = 0;
  auto body = [&]() -> Task<> {
    StreamSocket peer = co_await StreamSocket::connect(receiver.address);
    co_await peer.write_all(frame('H', "ieum transfer 1") + entry(kind, name));
    std::array<std::byte, 5 + 15 + 8 + 5 + 1> heard;
    co_await peer.read_exact(heard);
    state = std::to_integer<char>(heard.back());
    co_await peer.close();
  };
  succeed(body());
  receiver.child.wait();
  return state;
}

TEST(Transfer, NoNameLeadsOutOfTheFolder) {
  const Folders folders;
  fs::create_directory(folders.root.path("outside"));
  fs::create_symlink(folders.root.path("outside"), folders.to + "/link");
  for (const std::string& name :
       {std::string("../evil"), std::string("/etc/evil"), std::string("a/../../evil"),
        std::string(".."), std::string("."), std::string("a//evil"), std::string("evil/"),
        std::string("nul\0evil", 8), std::string(300, 'l'), std::string("link/evil"),
        std::string("link")}) {
    for (const char kind : {'f', 'd'}) {
      Receiver receiver(folders.to);
      EXPECT_EQ(answer_to(receiver, kind, name), 'x') << name << kind;
    }
  }
  EXPECT_TRUE(fs::is_empty(folders.root.path("outside")));
  EXPECT_FALSE(fs::exists(folders.root.path("evil")));
  Receiver receiver(folders.to);
  EXPECT_EQ(answer_to(receiver, 'f', "two\nlines"), 'n');
}

TEST(Transfer, WhoIsNoneOfOursIsToldSo) {
  const Folders folders;
  write_file(folders.from + "/file", "x");
  Child other(ieum_command({"listen", "--exec", "echo 'SSH-2.0-OpenSSH'; cat >&2", "127.0.0.1:0"}),
              Input::nothing());
  Child sender(ieum_command({"send", "--to", where_it_listens(other), folders.from + "/file"}),
               Input::nothing());
  const Said said = end_of(sender);
  EXPECT_EQ(said.status, 1);
  EXPECT_TRUE(said.errors.contains("no message of ieum's")) << said.errors;
}

TEST(Transfer, AnInterruptedReceiverTellsWhatHasCome) {
  const Folders folders;
  Receiver receiver(folders.to);
  auto body = [&]() -> Task<> {
    StreamSocket peer = co_await StreamSocket::connect(receiver.address);
    std::string data(1, 'D');
    data += std::string(2, '\0') + "\x27\x10" + std::string(10'000, 'x');
    std::string begin_at_0(8, '\0');
    co_await peer.write_all(frame('H', "ieum transfer 1") + entry('f', "name", 20'000) +
                            frame('B', begin_at_0) + data);
    std::array<std::byte, 5 + 15 + 8 + 5 + 41 + 8> heard;
    co_await peer.read_exact(heard);
    expect_soon("it is there", [&] {
      return !folders.parts().empty() && fs::file_size(folders.parts().front()) == 10'000;
    });
    receiver.child.signal(SIGINT);
    const Result<std::string> rest = co_await attempt(read_to_end(peer));
    static_cast<void>(rest);
  };
  succeed(body());
  const Said said = end_of(receiver.child);
  EXPECT_EQ(said.status, 130);
  EXPECT_TRUE(said.errors.contains("interrupted; 82 bytes sent, 9.8")) << said.errors;
  EXPECT_TRUE(said.errors.contains("run both again to go on")) << said.errors;
}

// ---- The receiver's disk ------------------------------------------------------------------------

/// Receives into a file system of its own, mounted with `options`.
void expect_one_sentence(const std::string& options, std::string_view sentence) {
  const Folders folders;
  write_file(folders.from + "/file", noise(4'000'000));
  Child receiver({"unshare", "-m", "sh", "-c",
                  "mount -t tmpfs -o " + options +
                      " none \"$1\" || exit 77; exec \"$0\" recv --from listen:127.0.0.1:0 -d "
                      "\"$1\"",
                  IEUM_COMMAND, folders.to},
                 Input::nothing());
  std::string address = receiver.read_error_until("\n");
  if (!address.contains("listening on ")) GTEST_SKIP() << "this test must be able to mount";
  address = address.substr(address.rfind(' ') + 1);
  address.pop_back();
  Child sender(ieum_command({"send", "--to", address, folders.from + "/file"}), Input::nothing());
  const Said sent = end_of(sender);
  const Said received = end_of(receiver);
  EXPECT_EQ(sent.status, 1);
  EXPECT_EQ(received.status, 1);
  EXPECT_TRUE(sent.errors.contains(sentence)) << sent.errors;
  EXPECT_TRUE(received.errors.contains(sentence)) << received.errors;
  EXPECT_EQ(std::ranges::count(sent.errors, '\n'), 1) << sent.errors;
  EXPECT_EQ(sent.output + received.output, "");
}

TEST(Transfer, AFullDiskIsOneSentenceOnBothSides) {
  expect_one_sentence("size=1m", "o space left on device");
}

TEST(Transfer, AFolderThatCannotBeWrittenIsOneSentenceOnBothSides) {
  expect_one_sentence("ro", "ead-only file system");
}

// ---- Much ---------------------------------------------------------------------------------------

TEST(Transfer, ManySmallFiles) {
  const Folders folders;
  const int files = long_form() ? 10'000 : 300;
  for (int i = 0; i < files; ++i) {
    const std::string folder = folders.from + "/all/" + std::to_string(i % 7);
    fs::create_directories(folder);
    write_file(folder + "/" + std::to_string(i), noise(static_cast<std::size_t>(i % 3000), 7));
  }
  const Both both = transfer(folders, {"all"});
  expect_both_well(both);
  EXPECT_EQ(std::ranges::count(both.sent.output, '\n'), files);
  EXPECT_TRUE(folders.are_same("all"));
}

TEST(Transfer, MemoryStaysBounded) {
  const std::size_t size = long_form() ? std::size_t{2} << 30U : std::size_t{64} << 20U;
  const Folders folders;
  write_file(folders.from + "/file", "");
  fs::resize_file(folders.from + "/file", size);
  Receiver receiver(folders.to);
  const std::size_t before = receiver.child.memory_bytes();
  Child sender(ieum_command({"send", "--to", receiver.address, folders.from + "/file"}),
               Input::nothing());
  std::size_t most = 0;
  while (receiver.child.runs() && sender.runs()) {
    most = std::max({most, receiver.child.memory_bytes(), sender.memory_bytes()});
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(end_of(sender).status, 0);
  EXPECT_EQ(end_of(receiver.child).status, 0);
  if (!sanitized) {  // which keeps what is freed for a while
    EXPECT_LT(most, before + (std::size_t{32} << 20U)) << "before: " << before;
  }
}

}  // namespace
}  // namespace ieum::test
