// Files of a directory, and of nowhere else: openat2(2) resolves each name beneath it.
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include <ieum/http/date.hpp>
#include <ieum/http/form.hpp>
#include <ieum/offload.hpp>

#include "http/conditions.hpp"
#include "http/listing.hpp"
#include "http/route_table.hpp"
#include "http/sending.hpp"
#include "http/syntax.hpp"

namespace ieum::http {

namespace {

using detail::ByteRange;
using detail::FileBody;
using detail::ListedFile;
using detail::Ranges;
using detail::Reach;

/// A file up to this size is read along with being opened.
constexpr std::size_t read_at_once_max = std::size_t{64} * 1024;

/// Of a listing.
constexpr std::size_t listed_max = 100'000;

/// A directory that is served.
struct Tree {
  Descriptor directory;
  FileOptions options;
};

struct Type {
  std::string_view suffix;
  std::string_view name;
};
constexpr std::array<Type, 30> types = {{
    {"html", "text/html; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"txt", "text/plain; charset=utf-8"},
    {"md", "text/markdown; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"xml", "application/xml"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"ico", "image/x-icon"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"ttf", "font/ttf"},
    {"wasm", "application/wasm"},
    {"pdf", "application/pdf"},
    {"zip", "application/zip"},
    {"gz", "application/gzip"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
}};

std::string_view type_of(std::string_view name) noexcept {
  const std::size_t dot = name.rfind('.');
  const std::string_view suffix = dot == name.npos ? "" : name.substr(dot + 1);
  for (const Type& type : types) {
    if (detail::equal_ignoring_case(type.suffix, suffix)) return type.name;
  }
  return "application/octet-stream";
}

/// What was opened.
struct Opened {
  int error = 0;
  bool is_directory = false;
  std::shared_ptr<const Descriptor> file;
  std::string coding;  // of a precompressed one
  std::string type;
  std::string etag;
  std::string content;  // all of it, if it is small
  bool has_content = false;
  bool is_listing = false;  // then the content is a page
  std::uint64_t size = 0;
  std::chrono::sys_seconds modified{};
};

/// Never leaves the directory, by `..`, by a symbolic link or by /proc's.
int open_beneath(int directory, const std::string& name, Reach reach,
                 int flags = O_RDONLY) noexcept {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if ((flags & O_PATH) != 0) how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  if (reach == Reach::memory) how.resolve |= RESOLVE_CACHED;
  for (int attempts = 0; attempts < 10; ++attempts) {
    const long number = ::syscall(SYS_openat2, directory, name.c_str(), &how, sizeof how);
    if (number >= 0) return static_cast<int>(number);
    if (reach == Reach::memory) {
      if (errno == EINVAL) errno = EAGAIN;  // before Linux 5.12
      break;
    }
    // The kernel could not tell, since something was renamed meanwhile.
    if (errno != EAGAIN && errno != EINTR) break;
  }
  return -1;
}

/// Opens a file, if it is a regular one.
bool open_one(int directory, const std::string& name, Reach reach, Opened& to) {
  const int number = open_beneath(directory, name, reach);
  if (number < 0) {
    to.error = errno;
    return false;
  }
  auto file = std::make_shared<const Descriptor>(number);
  struct stat status{};
  if (::fstat(number, &status) != 0) {
    to.error = errno;
    return false;
  }
  to.is_directory = S_ISDIR(status.st_mode);
  if (!S_ISREG(status.st_mode)) {
    to.error = ENOENT;
    return false;
  }
  to.error = 0;
  to.file = std::move(file);
  to.size = static_cast<std::uint64_t>(status.st_size);
  // Never later than the response (RFC 9110, section 8.8.2.1).
  to.modified =
      std::min(std::chrono::sys_seconds(std::chrono::seconds(status.st_mtim.tv_sec)),
               std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  std::array<char, 64> tag{};
  std::snprintf(tag.data(), tag.size(), "\"%llx.%llx-%llx\"",
                static_cast<unsigned long long>(status.st_mtim.tv_sec),
                static_cast<unsigned long long>(status.st_mtim.tv_nsec),
                static_cast<unsigned long long>(to.size));
  to.etag = tag.data();
  return true;
}

void read_all_of(Opened& to, Reach reach) {
  std::int64_t count = 0;
  const auto read = [&](char* text, std::size_t /*capacity*/) {
    count = read_file(*to.file, {text, to.size}, 0, reach);
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  };
  to.content.resize_and_overwrite(to.size, read);
  // Else it is read again, and that fails as it should.
  to.has_content = std::cmp_equal(count, to.size);
  if (count == -EAGAIN) to.error = EAGAIN;
}

/// What a request can get of a directory: regular files and directories that do not lie elsewhere.
bool look_at(int root, const std::string& path, const dirent& entry, ListedFile& file) {
  struct stat status{};
  const Descriptor found(open_beneath(root, path + entry.d_name, Reach::disk, O_PATH));
  if (!found.is_open() || ::fstat(found.number(), &status) != 0) return false;
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return false;
  file.name = entry.d_name;
  file.is_directory = S_ISDIR(status.st_mode);
  file.size = static_cast<std::uint64_t>(status.st_size);
  file.modified = std::chrono::sys_seconds(std::chrono::seconds(status.st_mtim.tv_sec));
  return true;
}

/// Makes a page of the directory `path`, which is empty or ends with a slash, and is asked for as
/// `title`.
void list_directory(const Tree& tree, const std::string& path, std::string_view title, Opened& to) {
  const int root = tree.directory.number();
  const int number =
      open_beneath(root, path.empty() ? "." : path, Reach::disk, O_RDONLY | O_DIRECTORY);
  DIR* const directory = number < 0 ? nullptr : ::fdopendir(number);
  if (directory == nullptr) {
    to.error = errno;
    if (number >= 0) ::close(number);
    return;
  }
  std::vector<ListedFile> files;
  bool is_cut = false;
  while (const dirent* entry = ::readdir(directory)) {
    const bool is_hidden = entry->d_name[0] == '.' && !tree.options.dotfiles;
    const std::string_view name = entry->d_name;
    if (is_hidden || name == "." || name == "..") continue;
    ListedFile file;
    if (!look_at(root, path, *entry, file)) continue;
    is_cut = files.size() == listed_max;
    if (is_cut) break;
    files.push_back(std::move(file));
  }
  ::closedir(directory);
  to.error = 0;
  to.is_listing = true;
  to.content = detail::listing_page(title, std::move(files), is_cut, tree.options.listing_foot);
}

/// `name`, or the index of a directory; then, of its precompressed siblings, one that the client
/// takes. The error EAGAIN, if it is not all in memory, as the page of a directory never is: then
/// nothing has been decided.
Opened open_file(const Tree& tree, std::string name, bool takes_br, bool takes_gzip, Reach reach,
                 std::string_view title = {}) {
  Opened opened;
  const int directory = tree.directory.number();
  const bool wants_directory = name.empty() || name.ends_with('/');
  const std::string path = name;
  const auto list = [&](Opened& to) {
    if (reach == Reach::disk) return list_directory(tree, path, title, to);
    to.error = EAGAIN;
  };
  if (wants_directory) {
    if (tree.options.index[0] == '\0') {
      opened.error = ENOENT;
      if (tree.options.listing) list(opened);
      return opened;
    }
    name += tree.options.index;
  }
  opened.type = type_of(name);
  if (!open_one(directory, name, reach, opened)) {
    if (wants_directory) opened.is_directory = false;
    if (wants_directory && opened.error == ENOENT && tree.options.listing) {
      list(opened);
    }
    return opened;
  }
  const auto instead = [&](const char* suffix, const char* coding) {
    Opened other;
    if (!open_one(directory, name + suffix, reach, other)) {
      if (other.error == EAGAIN) opened.error = EAGAIN;
      return false;
    }
    other.coding = coding;
    other.type = opened.type;
    opened = std::move(other);
    return true;
  };
  if (!(takes_br && instead(".br", "br")) && takes_gzip) static_cast<void>(instead(".gz", "gzip"));
  if (opened.error == 0 && opened.size <= read_at_once_max) read_all_of(opened, reach);
  return opened;
}

/// No part is empty or, unless that is allowed, begins with a dot. A slash may end it.
bool is_servable(std::string_view name, bool dotfiles) noexcept {
  while (!name.empty()) {
    const std::size_t end = std::min(name.find('/'), name.size());
    if (end == 0 || (name.front() == '.' && !dotfiles)) return false;
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return true;
}

void set(Response& response, std::string_view name, std::string_view value) {
  const Result<> done = response.fields().set(name, value);
  static_cast<void>(done);  // of our own making
}

std::string content_range(const ByteRange& range, std::uint64_t size) {
  return "bytes " + std::to_string(range.at) + "-" + std::to_string(range.at + range.bytes - 1) +
         "/" + std::to_string(size);
}

std::unique_ptr<detail::ResponseExtra> file_body(const Opened& opened) {
  auto extra = std::make_unique<detail::ResponseExtra>();
  extra->file = std::make_unique<FileBody>();
  extra->file->file = opened.file;
  return extra;
}

/// 206 with one part, or several as multipart/byteranges (RFC 9110, section 14.6).
Response partial(const Opened& opened, const Ranges& ranges) {
  Response response(Status::partial_content);
  std::unique_ptr<detail::ResponseExtra> extra = file_body(opened);
  FileBody& body = *extra->file;
  if (ranges.parts.size() == 1) {
    const ByteRange& one = ranges.parts.front();
    set(response, "Content-Range", content_range(one, opened.size));
    set(response, "Content-Type", opened.type);
    body.parts.push_back({.before = {}, .at = one.at, .bytes = one.bytes});
  } else {
    // What is in the file may look like the boundary: its lengths are known from Content-Range.
    const std::string boundary =
        "ieum-" + opened.etag.substr(1, opened.etag.size() - 2) + "-boundary";
    set(response, "Content-Type", "multipart/byteranges; boundary=\"" + boundary + "\"");
    for (const ByteRange& one : ranges.parts) {
      std::string before = body.parts.empty() ? "--" : "\r\n--";
      before.append(boundary).append("\r\nContent-Type: ").append(opened.type);
      before.append("\r\nContent-Range: ").append(content_range(one, opened.size));
      before.append("\r\n\r\n");
      body.parts.push_back({.before = std::move(before), .at = one.at, .bytes = one.bytes});
    }
    body.after.append("\r\n--").append(boundary).append("--\r\n");
  }
  detail::Sending::set_extra(response, std::move(extra));
  return response;
}

Response whole(Opened& opened) {
  if (opened.has_content) return Response::bytes(opened.type, std::move(opened.content));
  Response response(Status::ok);
  set(response, "Content-Type", opened.type);
  std::unique_ptr<detail::ResponseExtra> extra = file_body(opened);
  extra->file->parts.push_back({.before = {}, .at = 0, .bytes = opened.size});
  detail::Sending::set_extra(response, std::move(extra));
  return response;
}

Response respond(const Tree& tree, const Request& request, Opened& opened) {
  const detail::Validators validators{.etag = opened.etag, .modified = opened.modified};
  const Status judged = judge_conditions(request.fields(), request.method(), validators);
  Response response(judged);
  if (judged == Status::precondition_failed) return detail::plain_response(judged);
  if (judged == Status::ok) {
    const Ranges ranges = judge_ranges(request.fields(), request.method(), validators, opened.size);
    switch (ranges.kind) {
      case Ranges::Kind::whole: response = whole(opened); break;
      case Ranges::Kind::parts: response = partial(opened, ranges); break;
      case Ranges::Kind::unsatisfiable:
        response = detail::plain_response(Status::range_not_satisfiable);
        set(response, "Content-Range", "bytes */" + std::to_string(opened.size));
        return response;
    }
    set(response, "Accept-Ranges", "bytes");
    set(response, "X-Content-Type-Options", "nosniff");
    if (!opened.coding.empty()) set(response, "Content-Encoding", opened.coding);
  }
  set(response, "ETag", opened.etag);
  set(response, "Last-Modified", format_date(opened.modified));
  if (tree.options.precompressed) set(response, "Vary", "Accept-Encoding");
  if (tree.options.max_age > Duration::zero()) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(tree.options.max_age);
    set(response, "Cache-Control", "max-age=" + std::to_string(seconds.count()));
  }
  return response;
}

/// A page of names that may be anybody's: nothing in it runs or is loaded, but for our own foot.
Response listing(const Tree& tree, Opened& opened) {
  Response response = Response::html(std::move(opened.content));
  const bool has_foot = tree.options.listing_foot[0] != '\0';
  std::string policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'";
  if (has_foot) policy += "; script-src 'unsafe-inline'; connect-src 'self'";
  set(response, "Content-Security-Policy", policy);
  set(response, "X-Content-Type-Options", "nosniff");
  set(response, "Cache-Control", "no-cache");
  return response;
}

/// A browser goes to a page, not to a script or an image that is not there.
bool wants_page(const Request& request) {
  const std::string_view path = request.path();
  const std::string_view last = path.substr(path.rfind('/') + 1);
  return last.find('.') == last.npos && request.fields().all("accept").contains("text/html");
}

Status status_of(int error) noexcept {
  switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN: return Status::service_unavailable;
    case EACCES:
    case EPERM: return Status::forbidden;
    case EIO: return Status::internal_server_error;
    default: return Status::not_found;
  }
}

Task<Response> serve_file(std::shared_ptr<const Tree> tree, Request& request) {
  const std::string& name = request.path("file");
  if (!is_servable(name, tree->options.dotfiles)) {
    co_return detail::plain_response(Status::not_found);
  }
  const bool packed = tree->options.precompressed;
  const bool takes_br = packed && detail::accepts_coding(request.fields(), "br");
  const bool takes_gzip = packed && detail::accepts_coding(request.fields(), "gzip");
  Opened opened = open_file(*tree, name, takes_br, takes_gzip, Reach::memory);
  if (opened.error == EAGAIN) {
    std::string title;
    if (tree->options.listing) title = percent_decode(request.path()).value_or(std::string());
    auto open = [tree, name, takes_br, takes_gzip, title = std::move(title)] {
      return open_file(*tree, name, takes_br, takes_gzip, Reach::disk, title);
    };
    opened = co_await offload(std::move(open));
  }
  if (opened.error == ENOENT && tree->options.fallback[0] != '\0' && wants_page(request)) {
    auto instead = [tree, takes_br, takes_gzip] {
      return open_file(*tree, tree->options.fallback, takes_br, takes_gzip, Reach::disk);
    };
    opened = co_await offload(std::move(instead));
  }
  if (opened.is_listing) co_return listing(*tree, opened);
  if (opened.is_directory) {  // its name ends with a slash, so that links in its index are right
    std::string location(request.path());
    location += '/';
    if (!request.query().empty()) location.append("?").append(request.query());
    // Not another host's, as //host/ would be.
    if (location.starts_with("//")) co_return detail::plain_response(Status::not_found);
    co_return Response::redirect(location, Status::moved_permanently);
  }
  if (opened.error != 0) co_return detail::plain_response(status_of(opened.error));
  co_return respond(*tree, request, opened);
}

}  // namespace

Result<> Routes::files(std::string_view prefix, const std::string& directory,
                       const FileOptions& options) {
  IEUM_ASSERT(prefix.starts_with('/'), "the prefix of files begins with a slash");
  const int number = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (number < 0) return fail(Error::from_errno(errno, "open directory").with_name(directory));
  auto tree = std::make_shared<const Tree>(Descriptor(number), options);
  std::string pattern(prefix);
  if (!pattern.ends_with('/')) pattern += '/';
  get(pattern + "{file...}", [tree](Request& request) { return serve_file(tree, request); });
  return {};
}

}  // namespace ieum::http
