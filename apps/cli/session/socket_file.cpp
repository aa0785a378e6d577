#include "session/socket_file.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include <fmt/format.h>

#include <ieum/address.hpp>

#include "text/suggest.hpp"

namespace ieum::cli {

namespace {

constexpr unsigned mode_max = 0777;

std::optional<mode_t> parse_mode(std::string_view text) {
  unsigned mode = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, mode, 8);
  if (text.empty() || error != std::errc{} || rest != end || mode > mode_max) return {};
  return static_cast<mode_t>(mode);
}

std::optional<unsigned> parse_number(std::string_view text) {
  unsigned number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc{} || rest != end) return {};
  return number;
}

// Numbers are what chown(2) takes for "leave it".
constexpr uid_t no_user = static_cast<uid_t>(-1);
constexpr gid_t no_group = static_cast<gid_t>(-1);

std::optional<uid_t> user_of(const std::string& name) {
  if (const std::optional<unsigned> number = parse_number(name)) return *number;
  const passwd* const entry = ::getpwnam(name.c_str());
  return entry == nullptr ? std::nullopt : std::optional<uid_t>(entry->pw_uid);
}

std::optional<gid_t> group_of(const std::string& name) {
  if (const std::optional<unsigned> number = parse_number(name)) return *number;
  const group* const entry = ::getgrnam(name.c_str());
  return entry == nullptr ? std::nullopt : std::optional<gid_t>(entry->gr_gid);
}

}  // namespace

std::optional<mode_t> file_mode(const Endpoint& endpoint) {
  return endpoint.has_setting(Key::mode) ? parse_mode(endpoint.text_setting(Key::mode))
                                         : std::nullopt;
}

std::string check_socket_file(const Endpoint& endpoint) {
  const bool has_mode = endpoint.has_setting(Key::mode);
  const bool has_owner = endpoint.has_setting(Key::owner);
  if ((has_mode || has_owner) && endpoint.target.starts_with("unix:@")) {
    return fmt::format("{} is for the file of a socket, and an abstract name has none",
                       has_mode ? "mode" : "owner");
  }
  if (has_mode && !file_mode(endpoint)) {
    return fmt::format("mode takes an octal number from 0 to 0777, as 0660, not {}",
                       in_quotes(endpoint.text_setting(Key::mode)));
  }
  if (has_owner && endpoint.text_setting(Key::owner) == ":") {
    return "owner takes USER, USER:GROUP or :GROUP";
  }
  return {};
}

SocketFileMode::SocketFileMode(const Endpoint& endpoint) noexcept {
  const std::optional<mode_t> mode = file_mode(endpoint);
  if (mode) former_ = ::umask(~*mode & mode_max);
}

SocketFileMode::~SocketFileMode() {
  if (former_) ::umask(*former_);
}

std::optional<Failure> give_to_owner(const Endpoint& endpoint) {
  if (!endpoint.has_setting(Key::owner)) return {};
  const std::string owner(endpoint.text_setting(Key::owner));
  const std::size_t colon = owner.find(':');
  const std::string user = owner.substr(0, colon);
  const std::string group = colon == std::string::npos ? "" : owner.substr(colon + 1);
  const std::optional<uid_t> uid = user.empty() ? no_user : user_of(user);
  if (!uid) return Failure{Status::usage, fmt::format("there is no user {}", in_quotes(user))};
  const std::optional<gid_t> gid = group.empty() ? no_group : group_of(group);
  if (!gid) return Failure{Status::usage, fmt::format("there is no group {}", in_quotes(group))};
  const Result<Address> address = Address::parse(endpoint.target);
  const std::string path(address ? address->bytes() : "");
  if (::lchown(path.c_str(), *uid, *gid) == 0) return {};
  return Failure{
      Status::other,
      fmt::format("cannot give {} to {}: {}; only root may give files away", in_quotes(path),
                  in_quotes(owner), std::generic_category().message(errno))};
}

}  // namespace ieum::cli
