// The record of `ieum serve`: its options, its manual, and how its command line is read.
#include <fmt/format.h>

#include <ieum/host_port.hpp>
#include <ieum/result.hpp>

#include "help/common_sections.hpp"
#include "serve/serve.hpp"
#include "session/run_session.hpp"
#include "text/suggest.hpp"
#include "text/units.hpp"
#include "tls_layer/tls_contexts.hpp"

namespace ieum::cli {

namespace {

constexpr std::string_view files_group = "Files";
constexpr std::string_view access_group = "Access";

std::vector<OptionSpec> options() {
  std::vector<OptionSpec> all;
  all.push_back({.names = "--listen",
                 .value = "HOST:PORT",
                 .group = access_group,
                 .help =
                     "Listen here: :8000 on all addresses of this machine, 192.0.2.1:80 on one, "
                     "localhost:0 on a free port. Default: localhost:8000, which only programs "
                     "of this machine reach."});
  if (has_tls()) {
    all.push_back({.names = "--tls",
                   .group = access_group,
                   .help = "Serve https, with a certificate made for this run, which nobody "
                           "vouches for: its pin, and how to connect, are written to standard "
                           "error."});
    all.push_back({.names = "--cert",
                   .value = "FILE",
                   .group = access_group,
                   .help = "Serve https with this certificate (PEM); 'ieum certificate make' makes "
                           "one."});
    all.push_back({.names = "--key",
                   .value = "FILE",
                   .group = access_group,
                   .help = "Its key (PEM). Default: FILE of --cert has it too."});
  }
  all.push_back({.names = "--auth",
                 .value = "FILE",
                 .group = access_group,
                 .help =
                     "Ask everyone for USER:PASSWORD, the first line of FILE; env:NAME takes it "
                     "from the environment."});
  all.push_back({.names = "--host",
                 .value = "NAME",
                 .group = access_group,
                 .help = "Answer requests for this host, and refuse others. Where only programs of "
                         "this machine can come, that holds for localhost in any case, so that no "
                         "page of the web reads the files by a name of its own. May be repeated.",
                 .may_repeat = true});
  all.push_back({.names = "--cors",
                 .group = access_group,
                 .help = "Let scripts of all pages, of other servers too, read the files "
                         "(Access-Control-Allow-Origin: *)."});
  all.push_back({.names = "--no-listing",
                 .group = files_group,
                 .help = "Show no list of a folder that has no index.html."});
  all.push_back({.names = "--spa",
                 .group = files_group,
                 .help = "For an application of one page: answer with /index.html where a page is "
                         "asked for that there is not."});
  all.push_back({.names = "--upload",
                 .value = "FOLDER",
                 .group = files_group,
                 .help = "Take files into FOLDER, which is one of DIR: by PUT /FOLDER/NAME, and in "
                         "a browser on the page of FOLDER. No file that is there is replaced."});
  all.push_back({.names = "--upload-max",
                 .value = "BYTES",
                 .group = files_group,
                 .help = "At most so much each, as 100M. Default: 1G."});
  all.push_back({.names = "-q,--quiet",
                 .group = diagnostics_group,
                 .help = "Write no line for each request."});
  all.push_back({.names = "-v,--verbose",
                 .group = diagnostics_group,
                 .help = "Report on standard error what happens besides the requests: clients "
                         "whose TLS fails, for example."});
  all.push_back({.names = "--json-log",
                 .group = diagnostics_group,
                 .help = "Report requests and errors on standard error as JSON, one object per "
                         "line; docs/events.md describes them."});
  return all;
}

ManualText manual() {
  ManualSection statuses{.title = "Exit status"};
  statuses.entries = {{"0", "It ended by itself, which it does not."},
                      {"1", "A local failure: a port in use, a folder that cannot be read."},
                      {"2", "The command line is wrong."},
                      {"129, 130, 143", "Ended by SIGHUP, by Ctrl-C, or by SIGTERM."}};
  return {
      .description =
          {"Serves the files of DIR, default the current folder, by HTTP/1.1, and writes a line "
           "for "
           "each request to standard output, as Apache and nginx do (Combined Log Format), with "
           "the "
           "time in milliseconds. Folders are listed unless they have an index.html.",
           "Names that begin with a dot are not there, and no symbolic link leads out of DIR. Byte "
           "ranges, conditional requests and HEAD work, so that videos can be sought in and "
           "downloads resumed.",
           "Ctrl-C closes what is idle, lets what is being sent finish within 10 s, and ends; a "
           "second Ctrl-C ends at once."},
      .sections =
          {std::move(statuses),
           {.title = "Examples",
            .entries = {{"ieum serve", "Serve this folder at http://localhost:8000/."},
                        {"ieum serve --listen :8000 photos",
                         "Let everyone on the network see the photos."},
                        {"ieum serve --listen :8443 --tls --auth login.txt",
                         "The same with TLS, and for those who know the password."},
                        {"ieum serve --upload incoming --listen :8000",
                         "Collect files from others; 'ieum get -T FILE HOST:8000/incoming/' sends "
                         "one."},
                        {"ieum serve --spa --cors dist", "Look at an application of one page."},
                        {"ieum serve --listen localhost:0", "Any free port, which is reported."}}}},
      .see_also = "curl(1)"};
}

/// Within the directory, and nothing hidden.
bool is_folder_within(std::string_view path) {
  if (path.empty() || path.starts_with('/')) return false;
  for (;;) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    if (part.empty() || part.starts_with('.') || part.find_first_of("{}") != part.npos)
      return false;
    if (end == path.size()) return true;
    path.remove_prefix(end + 1);
  }
}

std::string read_upload(const GivenOptions& given, ServeCommand& command) {
  if (given.has("--upload-max") && !given.has("--upload")) return "--upload-max requires --upload";
  if (!given.has("--upload")) return {};
  command.upload = given.text("--upload");
  if (command.upload.ends_with('/')) command.upload.pop_back();
  if (!is_folder_within(command.upload)) {
    return fmt::format("--upload takes a folder within the one that is served, as incoming, not {}",
                       in_quotes(given.text("--upload")));
  }
  if (!given.has("--upload-max")) return {};
  const auto bytes = parse_bytes(given.text("--upload-max"));
  if (!bytes || *bytes == 0) {
    return fmt::format("--upload-max takes a number of bytes, as 100M, not {}",
                       in_quotes(given.text("--upload-max")));
  }
  command.upload_bytes_max = *bytes;
  return {};
}

std::string read_tls(const GivenOptions& given, ServeCommand& command) {
  if (!has_tls()) return {};
  TlsSettings& tls = command.common.tls;
  tls.certificate = given.text("--cert");
  tls.key = given.text("--key");
  command.has_tls = given.has("--tls") || given.has("--cert");
  tls.self_signed = command.has_tls && !given.has("--cert");
  tls.alpn = "http/1.1";
  for (const std::string_view option : {"--cert", "--key"}) {
    if (given.has(option) && given.text(option).empty()) {
      return fmt::format("{} takes the name of a file", option);
    }
  }
  if (given.has("--key") && !given.has("--cert")) return "--key requires --cert";
  if (tls.key.empty()) tls.key = tls.certificate;
  return {};
}

constexpr std::array hints{
    Hint{"-p", "write --listen localhost:PORT, or :PORT for all addresses"},
    Hint{"--port", "write --listen localhost:PORT, or :PORT for all addresses"},
    Hint{"-b", "write --listen ADDRESS:PORT"},
    Hint{"--bind", "write --listen ADDRESS:PORT"},
    Hint{"-l", "write --listen ADDRESS:PORT"},
    Hint{"-d", "the folder is a word of its own, as 'ieum serve DIR'"},
    Hint{"--directory", "the folder is a word of its own, as 'ieum serve DIR'"},
    Hint{"--ssl", "the option is --tls"},
    Hint{"--self-signed", "the option is --tls"},
    Hint{"--password", "put USER:PASSWORD into a file for --auth, or use --auth env:NAME"},
};

Parsed<Action> parse(const GivenOptions& given, const Environment& environment) {
  Parsed<ServeCommand> command = parse_serve(given, environment);
  if (!command) return UsageError(command.error());
  return run_on_loop(*std::move(command), run_serve);
}

}  // namespace

Parsed<ServeCommand> parse_serve(const GivenOptions& given, const Environment& environment) {
  ServeCommand command;
  if (!given.words.empty()) {
    command.directory = given.words.front();
    if (command.directory.empty()) return UsageError("the folder's name must not be empty");
    const bool is_port = command.directory.find_first_not_of("0123456789") == std::string::npos;
    if (is_port) {
      return UsageError(fmt::format("{} is no folder; for a port write --listen localhost:{}",
                                    in_quotes(command.directory), command.directory));
    }
  }
  const std::string address(given.has("--listen") ? given.text("--listen") : "localhost:8000");
  Parsed<Endpoint> endpoint = parse_endpoint(address, Role::listen);
  if (!endpoint) return UsageError(endpoint.error());
  if (endpoint->scheme != Scheme::tcp || !endpoint->settings.empty()) {
    return UsageError(fmt::format("--listen takes HOST:PORT, not {}", in_quotes(address)));
  }
  command.common.endpoint = *std::move(endpoint);
  std::string wrong = read_upload(given, command);
  if (wrong.empty()) wrong = read_tls(given, command);
  if (!wrong.empty()) return UsageError(std::move(wrong));
  if (given.has("--auth") && given.text("--auth").empty()) {
    return UsageError("--auth takes the name of a file, or env:NAME");
  }
  command.auth = given.text("--auth");
  command.hosts = given.texts("--host");
  for (const std::string& host : command.hosts) {
    const bool is_bracketed = host.starts_with('[') && host.ends_with(']');
    if (is_bracketed ? !HostPort::parse(host + ":1") : !HostPort::make(host, 1)) {
      return UsageError(fmt::format("--host takes a name without a port, as example.com, not {}",
                                    in_quotes(host)));
    }
  }
  command.lists = !given.has("--no-listing");
  command.is_single_page = given.has("--spa");
  command.allows_other_origins = given.has("--cors");
  command.logs = !given.has("--quiet");
  command.common.writes_output = false;
  command.common.log = {.verbosity = std::min(given.count("--verbose"), 2),
                        .json = given.has("--json-log"),
                        .color = environment.error_color};
  return command;
}

extern const Subcommand serve_subcommand;
const Subcommand serve_subcommand{.name = "serve",
                                  .purpose = "serve the files of a folder by HTTP",
                                  .arguments = {.term = "[DIR]", .max = 1},
                                  .options = options,
                                  .hints = hints,
                                  .manual = manual,
                                  .parse = parse};

}  // namespace ieum::cli
