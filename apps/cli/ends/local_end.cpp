#include "ends/local_end.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace ieum::cli {

Result<std::unique_ptr<LocalEnd>> LocalEnd::standard() {
  Result<Output> output = Output::open({}, {});
  if (!output) return fail(output.error());
  Result<DescriptorStream> input = DescriptorStream::standard_input();
  if (!input) return fail(input.error());
  auto end = std::make_unique<LocalEnd>();
  end->input_.emplace(*std::move(input));
  end->output_.emplace(*std::move(output));
  end->has_end_ = false;  // of a terminal, or a pipe whose writer waits for us
  return end;
}

Result<std::unique_ptr<LocalEnd>> LocalEnd::reading(const std::string& path) {
  auto end = std::make_unique<LocalEnd>();
  struct stat status{};
  const bool is_pipe = ::stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
  // Opening a pipe to read it alone would wait for a writer.
  const int how = is_pipe ? O_RDWR : O_RDONLY;
  end->file_ = Descriptor(::open(path.c_str(), how | O_CLOEXEC | O_NOCTTY));
  if (!end->file_.is_open()) return fail(Error::from_errno(errno, "open"));
  if (S_ISDIR(status.st_mode)) return fail(Error::from_errno(EISDIR, "open"));
  Result<DescriptorStream> input =
      DescriptorStream::open(end->file_.number(), DescriptorStream::Direction::input);
  if (!input) return fail(input.error());
  end->input_.emplace(*std::move(input));
  end->has_end_ = !is_pipe;
  return end;
}

Result<std::unique_ptr<LocalEnd>> LocalEnd::writing(const std::string& path,
                                                    Output::Existing existing) {
  Result<Output> output = Output::open(path, {}, existing);
  if (!output) return fail(output.error());
  auto end = std::make_unique<LocalEnd>();
  end->output_.emplace(*std::move(output));
  return end;
}

Task<std::optional<std::size_t>> LocalEnd::read(std::span<std::byte> into) {
  const std::size_t count = co_await input_->read_some(into);
  if (count == 0) co_return std::nullopt;
  co_return count;
}

Task<std::optional<std::size_t>> LocalEnd::write(ConstBuffer data) {
  co_await output_->write(Side::received, data);
  co_return data.size();
}

Task<bool> LocalEnd::finish() {
  // A file is closed with what is then known of it: by `close`.
  if (output_ && output_->is_standard() && !std::exchange(is_finished_, true)) {
    co_await output_->shutdown();
  }
  co_return false;
}

Task<> LocalEnd::close() {
  if (output_) co_await output_->finish();
}

}  // namespace ieum::cli
