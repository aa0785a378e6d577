// Spawning. posix_spawn(3) and not fork(2): the child shares our memory until it has loaded its
// program, which takes the same time however large we are, and an error of exec comes back as ours.
#include "io/spawn.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <vector>

namespace ieum::detail {

namespace {

class FileActions {
 public:
  FileActions() noexcept { ::posix_spawn_file_actions_init(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }

  /// 0, or an errno.
  int prepare(const std::array<int, 3>& standard, const std::string& directory) noexcept {
    int status = 0;
    for (int i = 0; i < 3 && status == 0; ++i) {
      const int source = standard[static_cast<std::size_t>(i)];
      if (source == child_has_null) {
        status = ::posix_spawn_file_actions_addopen(&actions_, i, "/dev/null", O_RDWR, 0);
      } else {
        // Also onto itself: that takes away close-on-exec.
        status = ::posix_spawn_file_actions_adddup2(&actions_, source < 0 ? i : source, i);
      }
    }
    // What a library has opened without close-on-exec, too.
    if (status == 0) status = ::posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
    if (status == 0 && !directory.empty()) {
      status = ::posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str());
    }
    return status;
  }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

class Attributes {
 public:
  explicit Attributes(ProcessOptions::Group group) noexcept {
    ::posix_spawnattr_init(&attributes_);
    sigset_t signals;
    sigfillset(&signals);
    ::posix_spawnattr_setsigdefault(&attributes_, &signals);
    sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes_, &signals);
    int flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    if (group == ProcessOptions::Group::own) flags |= POSIX_SPAWN_SETPGROUP;  // 0: a new one
    if (group == ProcessOptions::Group::session) flags |= POSIX_SPAWN_SETSID;
    ::posix_spawnattr_setflags(&attributes_, static_cast<short>(flags));
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  [[nodiscard]] const posix_spawnattr_t* get() const noexcept { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

/// As exec takes them; it does not change them.
std::vector<char*> pointers(std::span<const std::string> texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

/// What is wrong with what was asked for, or an empty text.
std::string fault(std::span<const std::string> command, const ProcessOptions& options) {
  if (command.empty() || command[0].empty()) return "no program is named";
  for (std::size_t i = 0; i < command.size(); ++i) {
    if (command[i].find('\0') != std::string::npos) {
      return "argument " + std::to_string(i) + " has a zero byte in it";
    }
  }
  if (options.directory.find('\0') != std::string_view::npos) {
    return "the directory has a zero byte in it";
  }
  if (options.environment == nullptr) return {};
  for (const std::string& entry : *options.environment) {
    if (entry.find('\0') != std::string::npos) return "the environment has a zero byte in it";
    if (entry.find('=') == std::string::npos) {
      return "the environment's \"" + entry.substr(0, 32) + "\" is not NAME=VALUE";
    }
  }
  return {};
}

/// More about why the system refused, as far as looking at the files tells it.
std::string why_refused(int number, const std::string& program, const std::string& directory) {
  struct stat status{};
  if (number != ENOENT && number != EACCES && number != ENOTDIR) return {};
  if (!directory.empty() && (::stat(directory.c_str(), &status) < 0 || !S_ISDIR(status.st_mode) ||
                             ::access(directory.c_str(), X_OK) < 0)) {
    return "its directory " + directory;
  }
  const bool is_path = program.starts_with('/') || (directory.empty() && program.contains('/'));
  if (!is_path || ::stat(program.c_str(), &status) < 0) return {};
  if (S_ISDIR(status.st_mode)) return "it is a directory";
  if (number == ENOENT) return "the program that its #! line names, or its loader";
  return ::access(program.c_str(), X_OK) < 0 ? "it is not executable" : "";
}

/// With SIGCHLD ignored the system reaps children itself: their end could not be told, and the pid
/// might soon be another's.
bool reaps_by_itself() noexcept {
  struct sigaction action{};
  ::sigaction(SIGCHLD, nullptr, &action);
  const bool ignored = (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_IGN;
  return ignored || (action.sa_flags & SA_NOCLDWAIT) != 0;
}

void kill_and_reap(int pid) noexcept {
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

Error start_error(int number, std::span<const std::string> command) {
  Error error = Error::from_errno(number, "start");
  if (command.empty() || command[0].empty()) {
    error.set_name("process");
  } else {
    error.set_name(command[0]);
  }
  return error;
}

Result<Spawned> spawn(std::span<const std::string> command, const ProcessOptions& options,
                      const std::array<int, 3>& standard) {
  if (const std::string wrong = fault(command, options); !wrong.empty()) {
    return fail(start_error(EINVAL, command).with_detail(wrong));
  }
  if (reaps_by_itself()) {
    const char* why = "this program ignores SIGCHLD, so that its end could not be known";
    return fail(start_error(ECHILD, command).with_detail(why));
  }
  const std::string directory(options.directory);
  FileActions actions;
  if (const int number = actions.prepare(standard, directory); number != 0) {
    return fail(start_error(number, command));
  }
  const Attributes attributes(options.group);
  // Taken before there is a child: the number for its pidfd.
  Descriptor reserved(::eventfd(0, EFD_CLOEXEC));
  if (!reserved.is_open()) return fail(start_error(errno, command));

  Spawned spawned;
  const std::vector<char*> arguments = pointers(command);
  std::vector<char*> environment;
  if (options.environment != nullptr) environment = pointers(*options.environment);
  const int number = ::posix_spawnp(
      &spawned.pid, command[0].c_str(), actions.get(), attributes.get(), arguments.data(),
      options.environment != nullptr ? environment.data() : ::environ);
  if (number != 0) {
    const std::string why = why_refused(number, command[0], directory);
    return fail(start_error(number, command).with_detail(why));
  }
  reserved.close();
  // Nobody has reaped it: the pid is still the child's.
  spawned.pidfd = Descriptor(
      static_cast<int>(::syscall(SYS_pidfd_open, spawned.pid, static_cast<unsigned>(O_NONBLOCK))));
  if (!spawned.pidfd.is_open()) {
    const Error error = start_error(errno, command);
    kill_and_reap(spawned.pid);
    return fail(error);
  }
  return spawned;
}

}  // namespace ieum::detail
