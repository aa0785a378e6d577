#include "transfer/safe_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <climits>

namespace ieum::cli {

namespace {

constexpr std::size_t name_bytes_max = 4096;
constexpr std::size_t parts_max = 64;

int open_part(int folder, const std::string& part) noexcept {
  return ::openat(folder, part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

}  // namespace

std::string explain_unsafe_name(std::string_view name) {
  if (name.empty() || name.size() > name_bytes_max) return "its name is empty, or too long";
  std::size_t parts = 0;
  for (;;) {
    const std::size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.contains('\0')) {
      return "its name would lead out of the folder";
    }
    if (part.size() > NAME_MAX || ++parts > parts_max) return "its name is too long";
    if (slash == std::string_view::npos) return {};
    name.remove_prefix(slash + 1);
  }
}

Result<SafeFolder> SafeFolder::open(const std::string& path) {
  Descriptor root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.is_open()) return fail(Error::from_errno(errno, "open"));
  return SafeFolder(std::move(root));
}

Result<SafeFolder::Place> SafeFolder::find(std::string_view name, Missing missing) const {
  Place place{.folder = Descriptor(::fcntl(root_.number(), F_DUPFD_CLOEXEC, 0)), .name = {}};
  for (;;) {
    const std::size_t slash = name.find('/');
    const std::string part(name.substr(0, slash));
    if (slash == std::string_view::npos) {
      place.name = part;
      return place;
    }
    int next = open_part(place.folder.number(), part);
    if (next < 0 && errno == ENOENT && missing == Missing::make) {
      if (::mkdirat(place.folder.number(), part.c_str(), 0777) < 0 && errno != EEXIST) {
        return fail(Error::from_errno(errno, "make"));
      }
      next = open_part(place.folder.number(), part);
    }
    if (next < 0) return fail(Error::from_errno(errno == ELOOP ? ENOTDIR : errno, "open"));
    place.folder = Descriptor(next);
    name.remove_prefix(slash + 1);
  }
}

Result<> SafeFolder::make(std::string_view name) const {
  const std::string inside = std::string(name) + "/x";  // all before the last part is made
  const Result<Place> place = find(inside, Missing::make);
  if (!place) return fail(place.error());
  return {};
}

}  // namespace ieum::cli
