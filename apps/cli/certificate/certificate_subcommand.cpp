// The record of `ieum certificate`: its options, its manual, and how its command line is read.
#include <algorithm>

#include <fmt/format.h>

#include <ieum/host_port.hpp>
#include <ieum/result.hpp>

#include "certificate/certificate.hpp"
#include "report/failure.hpp"
#include "subcommand.hpp"
#include "text/suggest.hpp"

namespace ieum::cli {

namespace {

constexpr int days_max = 825;  // programs refuse a server's that is good for longer

std::vector<OptionSpec> options() {
  constexpr std::string_view group = "Certificates";
  return {{.names = "-d,--directory",
           .value = "DIRECTORY",
           .group = group,
           .help = "Where the files are, and are made. Default: the one that we are in."},
          {.names = "--days",
           .value = "N",
           .group = group,
           .help = fmt::format("For how long the certificate is good, at most {}. Default: {}. Its "
                               "authority is for ten years.",
                               days_max, CertificateCommand{}.days)},
          {.names = "--force",
           .group = group,
           .help = "Replace the files that are there; the authority too, if it cannot vouch for "
                   "all the names."}};
}

ManualText manual() {
  return {
      .description =
          {"Makes a certificate for servers under development on hosts called NAME, and an "
           "authority that vouches for it. NAME is a host's name, *.NAME for all those one level "
           "below, or an IP address. The certificate is for clients too.",
           "The authority's certificate says that it can vouch for these names, those below them, "
           "and these addresses, and for no others: who trusts it risks nothing else, not even if "
           "its key is stolen. It is used again for further certificates in the directory, as far "
           "as it may vouch for them.",
           "No trust store, of the system or of a browser, is touched. Files that are there are "
           "not replaced unless --force is given. Keys can be read by their owner alone."},
      .sections =
          {{.title = "Files",
            .entries = {{"authority.pem", "The authority's certificate: what is to be trusted."},
                        {"authority.key", "Its key."},
                        {"NAME.pem", "The certificate. Of *.NAME it is _wildcard.NAME.pem."},
                        {"NAME.key", "Its key."}}},
           {.title = "Exit status",
            .entries = {{"0", "Success."},
                        {"1", "A file could not be made, or is there already."},
                        {"2", "The command line is wrong."}}},
           {.title = "Examples",
            .entries = {{"ieum certificate make localhost 127.0.0.1 ::1",
                         "For a server on this machine."},
                        {"ieum certificate make -d tls app.test '*.app.test'",
                         "For a host and those below it, in a directory of its own."}}}},
      .see_also = "openssl-x509(1)"};
}

Parsed<Action> parse(const GivenOptions& given, const Environment& /*environment*/) {
  Parsed<CertificateCommand> command = parse_certificate(given);
  if (!command) return UsageError(command.error());
  return Run([command = *std::move(command)] { return make_certificate(command); });
}

/// Gives what is wrong, or nothing.
std::string check_name(std::string_view name) {
  std::string_view host = name;
  const bool is_wildcard = host.starts_with("*.");
  if (is_wildcard) host.remove_prefix(2);
  const Result<HostPort> place = HostPort::make(host, 0);
  if (place && !host.contains('%') && !host.ends_with('.') && !(is_wildcard && place->address())) {
    return {};
  }
  return fmt::format("{} is no host's name, *.NAME or IP address", in_quotes(name));
}

}  // namespace

Parsed<CertificateCommand> parse_certificate(const GivenOptions& given) {
  constexpr std::string_view example = "'ieum certificate make localhost 127.0.0.1'";
  if (given.words.empty() || given.words.front() != "make") {
    return UsageError(fmt::format("it makes certificates: write {}", example));
  }
  if (given.words.size() == 1) {
    return UsageError(fmt::format("a host's name is missing, as in {}", example));
  }
  CertificateCommand command;
  for (std::string name : std::vector(given.words.begin() + 1, given.words.end())) {
    std::string wrong = check_name(name);
    if (!wrong.empty()) return UsageError(std::move(wrong));
    std::ranges::transform(name, name.begin(), [](char letter) {
      return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    });
    if (std::ranges::find(command.names, name) == command.names.end()) {
      command.names.push_back(std::move(name));
    }
  }
  if (given.has("--directory")) command.directory = given.text("--directory");
  if (command.directory.empty()) return UsageError("--directory takes the name of a directory");
  const Parsed<int> days = read_count(given, "--days", command.days, days_max);
  if (!days) return UsageError(days.error());
  command.days = *days;
  command.replaces = given.has("--force");
  return command;
}

extern const Subcommand certificate_subcommand;
const Subcommand certificate_subcommand{
    .name = "certificate",
    .purpose = "make a certificate for a server under development",
    .arguments = {.term = "make NAME...", .max = CertificateCommand::names_max + 1},
    .options = options,
    .manual = manual,
    .parse = parse};

}  // namespace ieum::cli
