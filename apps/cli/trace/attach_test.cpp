#include "trace/attach.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "support/files.hpp"

namespace ieum::cli::trace {
namespace {

/// A /proc with one process of this user, and a Yama that allows as much as `scope` says.
TraceRights rights_with(const std::string& scope, const std::string& user) {
  const ieum::test::TemporaryDirectory proc;
  std::filesystem::create_directories(proc.path("sys/kernel/yama"));
  std::filesystem::create_directories(proc.path("12"));
  std::ofstream(proc.path("sys/kernel/yama/ptrace_scope")) << scope << '\n';
  std::ofstream(proc.path("12/status")) << "Name:\tserver\nTracerPid:\t0\nUid:\t" << user << '\n';
  TraceRights rights = read_rights(12, proc.path(""));
  rights.own_user = 1000;
  return rights;
}

TEST(TraceRights, EachRefusalNamesTheMissingRight) {
  const auto refusal = [](const std::string& scope, const std::string& user) {
    return explain_refusal(rights_with(scope, user), EPERM);
  };
  EXPECT_EQ(refusal("1", "1000 1000 1000 1000"),
            "/proc/sys/kernel/yama/ptrace_scope is 1, which lets you trace only what you start: "
            "start it as 'ieum trace -- COMMAND'; tracing server (pid 12) takes root's right "
            "CAP_SYS_PTRACE");
  EXPECT_EQ(refusal("2", "1000 1000 1000 1000"),
            "/proc/sys/kernel/yama/ptrace_scope is 2: tracing takes root's right CAP_SYS_PTRACE");
  EXPECT_EQ(refusal("3", "1000 1000 1000 1000"),
            "/proc/sys/kernel/yama/ptrace_scope is 3: nobody may trace until the system is "
            "started anew");
  EXPECT_EQ(refusal("0", "1000 0 0 0"),
            "server (pid 12) is a setuid program, with the rights of another user: tracing it "
            "takes root's right CAP_SYS_PTRACE");
  EXPECT_TRUE(refusal("0", "0 0 0 0").starts_with("server (pid 12) belongs to root"));
  EXPECT_TRUE(refusal("0", "1000 1000 1000 1000").contains("CAP_SYS_PTRACE"));
}

TEST(TraceRights, OfNoProcess) {
  EXPECT_EQ(explain_refusal({.pid = 5}, ESRCH), "there is no process 5");
}

}  // namespace
}  // namespace ieum::cli::trace
