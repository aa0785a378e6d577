// Makes the files of `ieum certificate make`, and says what to do with them.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <expected>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <ieum/descriptor.hpp>
#include <ieum/host_port.hpp>
#include <ieum/result.hpp>

#include "certificate/authority.hpp"
#include "certificate/certificate.hpp"
#include "report/log.hpp"
#include "text/suggest.hpp"

namespace ieum::cli {

namespace {

constexpr ::mode_t for_all = 0644;
constexpr ::mode_t for_owner = 0600;

/// The four files.
struct Paths {
  std::string authority;
  std::string authority_key;
  std::string certificate;
  std::string key;
};

/// "_wildcard.app.test" of "*.app.test"; a colon would be a drive's elsewhere.
std::string file_name_of(std::string name) {
  if (name.starts_with('*')) name.replace(0, 1, "_wildcard");
  std::ranges::replace(name, ':', '_');
  return name;
}

Paths paths_of(const CertificateCommand& command) {
  const std::string folder = command.directory == "." ? "" : command.directory + "/";
  const std::string name = folder + file_name_of(command.names.front());
  return {folder + "authority.pem", folder + "authority.key", name + ".pem", name + ".key"};
}

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Failure failed(std::string_view what, const std::string& path, int number) {
  return {Status::other,
          fmt::format("{} {}: {}", what, in_quotes(path), std::system_category().message(number))};
}

int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return ::fsync(descriptor) < 0 ? errno : 0;
}

/// Under a name of its own first: nobody ever sees a part of it, nor a key that others may read.
/// A file that is there is not touched unless `replaces`.
std::optional<Failure> write_file(const std::string& path, std::string_view text, ::mode_t mode,
                                  bool replaces) {
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());  // what a run that was killed has left
  const Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file.is_open()) return failed("create", fresh, errno);
  int number = write_all(file.number(), text);
  if (number == 0) {
    const int put =
        replaces ? ::rename(fresh.c_str(), path.c_str())
                 : ::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE);
    number = put < 0 ? errno : 0;
  }
  if (number == 0) return {};
  ::unlink(fresh.c_str());
  return failed("write", path, number);
}

std::optional<Failure> write_pair(const PemPair& pem, const std::string& certificate,
                                  const std::string& key, bool replaces) {
  // The key first: a certificate without one is of no use.
  std::optional<Failure> wrong = write_file(key, pem.key, for_owner, replaces);
  if (!wrong) wrong = write_file(certificate, pem.certificate, for_all, replaces);
  return wrong;
}

std::expected<std::string, Failure> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad() || text.empty()) return std::unexpected(failed("read", path, errno));
  return text;
}

Failure there_already(const std::string& path, std::string_view advice) {
  return {Status::other, fmt::format("{} is there already; {}", in_quotes(path), advice)};
}

/// What was made, or kept.
struct Made {
  Authority authority;
  PemPair certificate;
  bool keeps_authority = false;
};
using MadeOrNot = std::expected<Made, Failure>;

MadeOrNot with_new_authority(const CertificateCommand& command) {
  std::expected<Authority, std::string> authority = Authority::make(command.names);
  if (!authority) return std::unexpected(Failure{Status::other, authority.error()});
  std::expected<PemPair, std::string> pair = authority->issue(command.names, command.days);
  if (!pair) return std::unexpected(Failure{Status::other, pair.error()});
  return Made{*std::move(authority), *std::move(pair)};
}

/// By the authority that is there.
MadeOrNot with_own_authority(const CertificateCommand& command, const Paths& paths) {
  const auto certificate = read_file(paths.authority);
  if (!certificate) return std::unexpected(certificate.error());
  auto key = read_file(paths.authority_key);
  if (!key) return std::unexpected(key.error());
  std::string wrong;
  auto authority = Authority::load(PemPair(*certificate, *std::move(key)));
  if (authority) {
    auto pair = authority->issue(command.names, command.days);
    if (pair) return Made{*std::move(authority), *std::move(pair), true};
    wrong = pair.error();
  } else {
    wrong = authority.error();
  }
  return std::unexpected(Failure{
      Status::other,
      fmt::format("the authority {} cannot vouch for {}: {}; name another --directory, or make a "
                  "new one with --force",
                  in_quotes(paths.authority), fmt::join(command.names, ", "), wrong)});
}

MadeOrNot make(const CertificateCommand& command, const Paths& paths) {
  for (const std::string& path : {paths.certificate, paths.key}) {
    if (!command.replaces && is_there(path)) {
      return std::unexpected(there_already(path, "to replace it, write --force"));
    }
  }
  const bool has_certificate = is_there(paths.authority);
  const bool has_key = is_there(paths.authority_key);
  if (has_certificate && has_key) {
    MadeOrNot made = with_own_authority(command, paths);
    if (made || !command.replaces) return made;
  } else if ((has_certificate || has_key) && !command.replaces) {
    return std::unexpected(
        there_already(has_key ? paths.authority_key : paths.authority,
                      "an authority is a certificate and its key: name another --directory, or "
                      "make a new one with --force"));
  }
  return with_new_authority(command);
}

// ---- What to do next ----------------------------------------------------------------------------

/// For sh.
std::string quoted(const std::string& word) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:@%+=,";
  if (word.find_first_not_of(plain) == std::string::npos) return word;
  std::string text = "'";
  for (const char letter : word) {
    if (letter == '\'') {
      text += "'\\''";
    } else {
      text += letter;
    }
  }
  return text + "'";
}

std::string next_steps(const CertificateCommand& command, const Paths& paths,
                       bool keeps_authority) {
  const std::string& first = command.names.front();
  const std::string host = first.starts_with("*.") ? "www" + first.substr(1) : first;
  const Result<HostPort> place = HostPort::make(host, 4433);
  const bool is_local = (place && place->address()) || host == "localhost";
  const std::string where = place ? place->to_string() : host + ":4433";
  const std::string ca = quoted(paths.authority);
  const std::size_t width = std::max(paths.authority.size(), paths.certificate.size());
  std::string text = fmt::format(
      "{:<{}}  the authority{}: it can vouch for {}, and names below these, and nothing else\n"
      "{:<{}}  its key, to make more of such certificates: show it to nobody\n"
      "{:<{}}  the certificate, for {}\n"
      "{:<{}}  its key: show it to nobody\n"
      "\n"
      "Serve with it:\n"
      "  ieum listen -k --echo --cert {} --key {} tls://:4433\n"
      "Trust it, in one program:\n",
      paths.authority, width, keeps_authority ? ", as it was" : "", fmt::join(command.names, ", "),
      paths.authority_key, width, paths.certificate, width, fmt::join(command.names, ", "),
      paths.key, width, quoted(paths.certificate), quoted(paths.key));
  if (is_local) {
    text += fmt::format("  ieum connect --ca {} tls://{}\n  curl --cacert {} https://{}/\n", ca,
                        where, ca, where);
  } else {
    text += fmt::format(
        "  ieum connect --ca {} --servername {} tls://localhost:4433\n"
        "  curl --cacert {} --connect-to ::localhost:4433 https://{}/\n",
        ca, host, ca, host);
  }
  text +=
      "Nothing else trusts it: the trust stores of the system and of browsers were not touched.\n";
  return text;
}

}  // namespace

int make_certificate(const CertificateCommand& command) {
  Log log({});
  const Paths paths = paths_of(command);
  if (::mkdir(command.directory.c_str(), 0777) < 0 && errno != EEXIST) {
    return log.failed(failed("create the directory", command.directory, errno));
  }
  const MadeOrNot made = make(command, paths);
  if (!made) return log.failed(made.error());
  if (!made->keeps_authority) {
    const std::expected<PemPair, std::string> pem = made->authority.pem();
    if (!pem) return log.failed({Status::other, pem.error()});
    const auto wrong = write_pair(*pem, paths.authority, paths.authority_key, command.replaces);
    if (wrong) return log.failed(*wrong);
  }
  const auto wrong = write_pair(made->certificate, paths.certificate, paths.key, command.replaces);
  if (wrong) return log.failed(*wrong);
  const std::string text = next_steps(command, paths, made->keeps_authority);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    return log.failed(
        {Status::other, "write standard output: " + std::system_category().message(errno)});
  }
  return 0;
}

}  // namespace ieum::cli
