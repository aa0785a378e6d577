#include "serve/uploads.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include <fmt/format.h>

#include <ieum/http/url.hpp>
#include <ieum/offload.hpp>
#include <ieum/printable.hpp>

#include "report/reason.hpp"
#include "text/suggest.hpp"

namespace ieum::cli {

namespace {

constexpr mode_t mode = 0666;  // less the umask
constexpr auto insufficient_storage = static_cast<http::Status>(507);

http::Response answer(http::Status status, std::string_view why) {
  return http::Response::text(
      fmt::format("{} {}: {}\n", http::number(status), http::reason_phrase(status), why), status);
}

/// A file of this folder that everybody can see and type.
bool is_good(std::string_view name) {
  constexpr std::size_t bytes_max = 255;
  return !name.empty() && name.size() <= bytes_max && !name.starts_with('.') &&
         name.find('/') == name.npos && printable(name) == name;
}

Descriptor open_nameless(int folder) noexcept {
  return Descriptor(::openat(folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode));
}

/// Zero, or errno.
int write_whole(int file, ConstBuffer data) noexcept {
  while (!data.empty()) {
    const ssize_t count = ::write(file, data.data(), data.size());
    if (count < 0 && errno != EINTR) return errno;
    if (count > 0) data = data.subspan(static_cast<std::size_t>(count));
  }
  return 0;
}

int give_name(int file, int folder, const std::string& name) noexcept {
  const std::string own = "/proc/self/fd/" + std::to_string(file);
  const int done = ::linkat(AT_FDCWD, own.c_str(), folder, name.c_str(), AT_SYMLINK_FOLLOW);
  return done == 0 ? 0 : errno;
}

http::Response refuse_by(int error, const std::string& name) {
  if (error == EEXIST) {
    return answer(http::Status::conflict,
                  fmt::format("{} is there already; take another name", in_quotes(name)));
  }
  if (error == ENOSPC || error == EDQUOT) {
    return answer(insufficient_storage, "there is no room left for it");
  }
  return answer(http::Status::internal_server_error, "it could not be written");
}

}  // namespace

std::expected<std::shared_ptr<const Uploads>, Failure> Uploads::open(const std::string& folder) {
  Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open() || !open_nameless(opened.number()).is_open()) {
    const int error = errno;
    std::string why = reason_of(error);
    if (error == ENOENT) why = "there is no such folder: make it first";
    if (error == EOPNOTSUPP) why = "its file system knows no files without a name (O_TMPFILE)";
    return std::unexpected(
        Failure{Status::other, fmt::format("--upload {}: {}", in_quotes(folder), why)});
  }
  return std::shared_ptr<const Uploads>(new Uploads(std::move(opened)));
}

Task<http::Response> Uploads::take(std::shared_ptr<const Uploads> uploads, http::Request& request) {
  const std::string name = request.path("name");
  if (!is_good(name)) co_return answer(http::Status::bad_request, "this is no name for a file");
  const int folder = uploads->folder_.number();
  if (::faccessat(folder, name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
    co_return refuse_by(EEXIST, name);
  }
  const Descriptor file = open_nameless(folder);
  if (!file.is_open()) co_return refuse_by(errno, name);
  for (;;) {
    const ConstBuffer piece = co_await request.body().next();
    if (piece.empty()) break;
    const int number = file.number();
    auto write = [number, piece] { return write_whole(number, piece); };
    const int error = co_await offload(std::move(write));
    if (error != 0) co_return refuse_by(error, name);
  }
  const int error = give_name(file.number(), folder, name);
  if (error != 0) co_return refuse_by(error, name);
  http::Response response = http::Response::text("created\n", http::Status::created);
  const std::string location = std::string(request.path());
  const Result<> set = response.fields().set("Location", location);
  static_cast<void>(set);  // a path has come in a request line
  co_return response;
}

}  // namespace ieum::cli
