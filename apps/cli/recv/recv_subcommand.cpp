// The record of `ieum recv`: its options, its manual, and how its command line is read.
#include <fmt/format.h>

#include "help/common_sections.hpp"
#include "recv/receiver.hpp"
#include "session/run_session.hpp"
#include "text/suggest.hpp"
#include "transfer/transfer.hpp"

namespace ieum::cli {

namespace {

std::vector<OptionSpec> options() {
  std::vector<OptionSpec> all{
      {.names = "-f,--from",
       .value = "ADDRESS",
       .group = connection_group,
       .help = "Where the sender is: listen:ADDRESS to wait for it, as listen::9000 or "
               "'listen:tls://:9000?self-signed=1'; or HOST:PORT, if the sender listens. "
               "?OPTION=VALUE as of 'ieum relay'. Default: listen::0, a port that the system "
               "chooses, and that is told."},
      {.names = "-w,--wait",
       .value = "TIME",
       .group = connection_group,
       .help = "Give up when there is no connection within TIME."},
      {.names = "-d,--directory",
       .value = "DIRECTORY",
       .group = payload_group,
       .help = "Where the files go. Default: the one that we are in."},
      {.names = "--overwrite",
       .group = payload_group,
       .help = "Replace files that are there, once what replaces them is whole and on the disk."}};
  add_family_options(all, connection_group);
  add_report_options(all);
  return all;
}

ManualText manual() {
  return {
      .description =
          {"Receives what 'ieum send' sends. A file has its name only once all of it is there, is "
           "what was sent, and is on the disk; until then it is a hidden file beside, "
           ".ieum-*.part, "
           "with which the same two commands go on after something was cut off. Its line on "
           "standard output is that of sha256sum(1).",
           "No file that is there is touched, unless --overwrite says so: one with the same "
           "content "
           "counts as received. Whatever the sender says, nothing outside the directory is "
           "touched, and no symbolic link is followed."},
      .sections = {exit_status_section(Role::listen),
                   {.title = "Examples",
                    .entries = {{"ieum recv", "Receive here; the port is told."},
                                {"ieum recv --from listen::9000 -d inbox", "On a given port."},
                                {"ieum recv --from 'listen:tls://:9000?self-signed=1'",
                                 "Over TLS; the pin is told."},
                                {"ieum recv > sums; sha256sum -c sums",
                                 "Look at all of it once more."}}}},
      .see_also = "sha256sum(1)"};
}

Task<int> run_recv(const TransferCommand& command, Log& log) {
  const Result<SafeFolder> folder = SafeFolder::open(command.folder);
  if (!folder) {
    co_return log.failed({Status::other, fmt::format("open {}: {}", in_quotes(command.folder),
                                                     folder.error().code().message())});
  }
  Talk talk = [&](Frames& frames) -> Task<std::optional<Failure>> {
    Receiver receiver(frames, *folder, command.overwrites, log);
    const std::optional<Failure> failure = co_await receiver.run();
    co_return failure;
  };
  const int status = co_await run_transfer(command, std::move(talk), log);
  co_return status;
}

Parsed<Action> parse(const GivenOptions& given, const Environment& environment) {
  Parsed<TransferCommand> command = read_transfer(given, "--from", "listen::0", environment);
  if (!command) return UsageError(command.error());
  if (given.has("--directory")) command->folder = given.text("--directory");
  command->overwrites = given.has("--overwrite");
  command->other = "ieum send";
  command->other_option = "--to";
  command->other_words = " FILE...";
  return run_on_loop(*std::move(command), run_recv);
}

}  // namespace

extern const Subcommand recv_subcommand;
const Subcommand recv_subcommand{.name = "recv",
                                 .purpose = "receive what 'ieum send' sends",
                                 .options = options,
                                 .manual = manual,
                                 .parse = parse};

}  // namespace ieum::cli
