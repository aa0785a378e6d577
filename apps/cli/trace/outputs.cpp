#include "trace/outputs.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "text/suggest.hpp"
#include "trace/html.hpp"

namespace ieum::cli::trace {

std::expected<std::unique_ptr<Outputs>, std::string> Outputs::open(const OutputOptions& options) {
  std::unique_ptr<Outputs> outputs(new Outputs(options));
  if (!options.recording.empty()) {
    auto file = create(options.recording);
    if (!file) return std::unexpected(file.error());
    outputs->recording_ = *std::move(file);
  }
  if (!options.page.empty()) {
    auto file = create(options.page);
    if (!file) return std::unexpected(file.error());
    outputs->page_ = *std::move(file);
    outputs->write(outputs->page_.get(), page_begin(), options.page);
  }
  const bool shows = !options.json && !options.quiet;
  if (shows || outputs->page_) {
    Outputs* self = outputs.get();
    outputs->ladder_.emplace(options.ascii, [self, shows](std::string_view lines) {
      if (shows) self->write(self->options_.stream, lines, "the ladder");
      if (self->page_) self->write(self->page_.get(), to_html(lines), self->options_.page);
    });
    if (!options.lookups) {
      outputs->lookups_.emplace([self](const Event& event) { self->ladder_->take(event); });
    }
  }
  return outputs;
}

std::expected<Outputs::File, std::string> Outputs::create(const std::string& path) {
  constexpr mode_t owner_only = S_IRUSR | S_IWUSR;
  const auto failed = [&] {
    return std::unexpected(fmt::format("cannot write {}: {}", shown(path), std::strerror(errno)));
  };
  const int fd =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, owner_only);
  if (fd < 0) return failed();
  struct stat status{};
  // One that was there before may be readable to all.
  const bool is_file = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  if (is_file && ::fchmod(fd, owner_only) != 0) {
    const int error = errno;
    ::close(fd);
    errno = error;
    return failed();
  }
  return File(::fdopen(fd, "w"));
}

void Outputs::write(std::FILE* file, std::string_view text, const std::string& name) {
  // What has lost a part is not gone on with: a recording would have a hole.
  if (std::ferror(file) != 0) return;
  if (std::fwrite(text.data(), 1, text.size(), file) == text.size()) return;
  if (failure_.empty()) failure_ = fmt::format("cannot write {}: {}", name, std::strerror(errno));
}

void Outputs::flush(std::FILE* file, const std::string& name) {
  if (file == nullptr || std::fflush(file) == 0 || !failure_.empty()) return;
  failure_ = fmt::format("cannot write {}: {}", name, std::strerror(errno));
}

void Outputs::take(const Event& event) {
  if (recording_ || (options_.json && !options_.quiet)) {
    const std::string line = to_json(event);
    if (recording_) write(recording_.get(), line, options_.recording);
    if (options_.json && !options_.quiet) write(options_.stream, line, "the events");
  }
  if (lookups_) {
    lookups_->take(event);
  } else if (ladder_) {
    ladder_->take(event);
  }
}

void Outputs::pass(Time now) {
  const Time passed = lookups_ ? lookups_->pass(now) : now;
  if (ladder_) ladder_->pass(passed);
  flush(recording_.get(), options_.recording);
  flush(options_.stream, "the ladder");
}

std::optional<std::string> Outputs::finish() {
  if (page_) write(page_.get(), page_end(), options_.page);
  flush(recording_.get(), options_.recording);
  flush(page_.get(), options_.page);
  flush(options_.stream, "the ladder");
  if (failure_.empty()) return {};
  return failure_;
}

}  // namespace ieum::cli::trace
