#include "session/output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "text/units.hpp"

namespace ieum::cli {

Output::Output(std::string where, Descriptor file, DescriptorStream stream,
               const Rendering::Options& options)
    : where_(std::move(where)),
      file_(std::move(file)),
      stream_(std::move(stream)),
      rendering_(options),
      turn_(std::make_unique<Turn>()) {}

Result<Output> Output::open(const std::string& path, const Rendering::Options& options,
                            Existing existing) {
  Descriptor file;
  int number = STDOUT_FILENO;
  if (!path.empty()) {
    constexpr mode_t mode = 0666;  // less the umask
    const int how = existing == Existing::append   ? O_APPEND
                    : existing == Existing::refuse ? O_EXCL
                                                   : 0;
    file = Descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | how, mode));
    if (!file.is_open()) return fail(Error::from_errno(errno, "open"));
    number = file.number();
  }
  Result<DescriptorStream> stream =
      DescriptorStream::open(number, DescriptorStream::Direction::output);
  if (!stream) return fail(stream.error());
  Output output(path.empty() ? "standard output" : path, std::move(file), *std::move(stream),
                options);
  output.is_emptied_ = existing == Existing::append;
  return output;
}

bool Output::is_pipe() const noexcept {
  struct stat status{};
  const int flags = ::fcntl(STDOUT_FILENO, F_GETFL);
  return is_standard() && ::fstat(STDOUT_FILENO, &status) == 0 && S_ISFIFO(status.st_mode) &&
         flags >= 0 && (flags & O_ACCMODE) == O_WRONLY;
}

Result<> Output::empty_file() noexcept {
  // A device has nothing that could be emptied: EINVAL.
  if (!is_emptied_ && file_.is_open() && ::ftruncate(file_.number(), 0) < 0 && errno != EINVAL) {
    return fail(Error::from_errno(errno, "empty"));
  }
  is_emptied_ = true;
  return {};
}

/// With the end of a line before it that somebody else has begun.
std::string Output::render(Rendering& rendering, Side side, ConstBuffer data) {
  std::string text;
  if (line_is_open_ && open_line_of_ != rendering.label()) {
    text += '\n';
    line_is_open_ = false;
  }
  if (!line_is_open_) rendering.end_line();
  rendering.render(text, side, data, utc_now());
  line_is_open_ = rendering.in_line();
  open_line_of_ = rendering.label();
  return text;
}

Task<> Output::write(Rendering& rendering, Side side, ConstBuffer data) {
  if (side == Side::sent && !rendering.shows_both()) co_return;
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
  co_await empty_file();
  std::string text;
  if (!rendering.is_plain()) {
    text = render(rendering, side, data);
    data = std::as_bytes(std::span(text));
  }
  co_await stream_.write_all(data);
}

Task<> Output::shutdown() { co_await stream_.shutdown_write(); }

Task<> Output::finish() {
  if (!file_.is_open()) co_return;
  co_await empty_file();
  static_cast<void>(file_.release());  // the stream closes the number
  co_await stream_.close();
}

}  // namespace ieum::cli
