// Whose a Unix socket's file is (?mode=, ?owner=), and a file that -o --append writes to.
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "cli/clients.hpp"
#include "cli/datagrams.hpp"

namespace ieum::test {
namespace {

std::string fresh_path() {
  return testing::TempDir() + "ieum-test-file-" + std::to_string(::getpid());
}

TEST(SocketFile, HasTheModeThatWasAskedForWhateverTheUmask) {
  for (const std::string scheme : {"unix:", "unix-dgram:"}) {
    for (const char* const mode : {"0660", "600", "0777"}) {
      const std::string path = fresh_path();
      const std::string address = scheme + path + "?mode=" + mode;
      Child listener(shell("umask 027; exec \"$0\" listen -v -k --discard \"$1\"", {address}));
      listener.read_error_until("waiting for");
      struct stat status{};
      ASSERT_EQ(::stat(path.c_str(), &status), 0);
      EXPECT_EQ(status.st_mode & 07777U, std::stoul(mode, nullptr, 8));
      listener.signal(SIGTERM);
      EXPECT_EQ(listener.wait(), 143);
      EXPECT_FALSE(std::filesystem::exists(path));
    }
  }
}

TEST(SocketFile, IsGivenToItsOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may give files away";
  const std::string path = fresh_path();
  Child listener(ieum_command({"listen", "-v", "unix:" + path + "?mode=0660&owner=nobody:12345"}));
  listener.read_error_until("waiting for a client");
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 65534U);
  EXPECT_EQ(status.st_gid, 12345U);
  listener.signal(SIGTERM);
  EXPECT_EQ(listener.wait(), 143);
}

TEST(SocketFile, OfNobodyKnownIsNotMade) {
  const std::string path = fresh_path();
  Child listener(ieum_command({"listen", "unix:" + path + "?owner=no-such-user"}));
  EXPECT_EQ(listener.wait(), 2);
  EXPECT_EQ(listener.error_output(), "ieum: there is no user 'no-such-user'\n");
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(SocketFile, WhatIsNoModeIsAUsageError) {
  const auto refused = [](const std::string& address) {
    Child child(ieum_command({"listen", address}));
    EXPECT_EQ(child.wait(), 2);
    return child.error_output();
  };
  EXPECT_TRUE(refused("unix:/x?mode=0888").contains("mode takes an octal number from 0 to 0777"));
  EXPECT_TRUE(refused("unix:/x?mode=1777").contains("mode takes an octal number"));
  EXPECT_TRUE(refused("unix:/x?mode=").contains("mode has no value"));
  EXPECT_TRUE(refused("unix:@x?mode=0660").contains("an abstract name has none"));
  EXPECT_TRUE(refused("unix:/x?owner=:").contains("owner takes USER"));
  EXPECT_TRUE(refused(":1?mode=0660").contains("the key 'mode' is for unix:"));
}

TEST(Append, KeepsWhatIsInTheFile) {
  const TemporaryFile file("before\n");
  for (const std::string word : {"one", "two"}) {
    Child copy(shell("echo $2 | \"$0\" connect -o \"$1\" --append -", {file.path(), word}));
    EXPECT_EQ(copy.wait(), 0) << copy.error_output();
  }
  EXPECT_EQ(content_of(file.path()), "before\none\ntwo\n");
}

TEST(Append, NeedsAFile) {
  Child copy(ieum_command({"connect", "--append", "-"}), Input::nothing());
  EXPECT_EQ(copy.wait(), 2);
  EXPECT_TRUE(copy.error_output().contains("--append requires -o FILE"));
}

}  // namespace
}  // namespace ieum::test
