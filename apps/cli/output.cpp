#include "output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "quantity.hpp"

namespace ieum::cli {

Output::Output(std::string where, Descriptor file, DescriptorStream stream,
               const Rendering::Options& options)
    : where_(std::move(where)),
      file_(std::move(file)),
      stream_(std::move(stream)),
      rendering_(options),
      turn_(std::make_unique<Turn>()) {}

Result<Output> Output::open(const std::string& path, const Rendering::Options& options) {
  Descriptor file;
  int number = STDOUT_FILENO;
  if (!path.empty()) {
    constexpr mode_t mode = 0666;  // less the umask
    file =
        Descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, mode));
    if (!file.is_open()) return fail(Error::from_errno(errno, "open"));
    number = file.number();
  }
  Result<DescriptorStream> stream =
      DescriptorStream::open(number, DescriptorStream::Direction::output);
  if (!stream) return fail(stream.error());
  return Output(path.empty() ? "standard output" : path, std::move(file), *std::move(stream),
                options);
}

bool Output::is_pipe() const noexcept {
  struct stat status{};
  const int flags = ::fcntl(STDOUT_FILENO, F_GETFL);
  return !file_.is_open() && ::fstat(STDOUT_FILENO, &status) == 0 && S_ISFIFO(status.st_mode) &&
         flags >= 0 && (flags & O_ACCMODE) == O_WRONLY;
}

Task<> Output::write(Side side, ConstBuffer data) {
  if (side == Side::sent && !rendering_.shows_both()) co_return;
  if (rendering_.is_plain()) {
    co_await write_now(data);
    co_return;
  }
  std::string text;
  rendering_.render(text, side, data, utc_now());
  co_await write_now(std::as_bytes(std::span(text)));
}

Task<> Output::write_now(ConstBuffer data) {
  Turn& turn = *turn_;
  while (turn.taken) {
    turn.free.reset();
    co_await turn.free.wait();
  }
  struct Release {  // also when this task is stopped
    Turn& turn;
    explicit Release(Turn& of) noexcept : turn(of) { turn.taken = true; }
    Release(const Release&) = delete;
    Release& operator=(const Release&) = delete;
    ~Release() {
      turn.taken = false;
      turn.free.set();
    }
  };
  const Release release(turn);
  co_await stream_.write_all(data);
}

Task<> Output::finish() {
  if (!file_.is_open()) co_return;
  static_cast<void>(file_.release());  // the stream closes the number
  co_await stream_.close();
}

}  // namespace ieum::cli
