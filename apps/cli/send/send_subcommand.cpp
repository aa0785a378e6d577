// The record of `ieum send`: its options, its manual, and how its command line is read.
#include <array>

#include "help/common_sections.hpp"
#include "send/sender.hpp"
#include "session/run_session.hpp"
#include "transfer/transfer.hpp"

namespace ieum::cli {

namespace {

std::vector<OptionSpec> options() {
  std::vector<OptionSpec> all{
      {.names = "-t,--to",
       .value = "ADDRESS",
       .group = connection_group,
       .help = "Where the receiver is: HOST:PORT or tls://HOST:PORT, as 'ieum recv' tells; or "
               "listen:ADDRESS, to wait for one that connects. ?OPTION=VALUE as of 'ieum relay'."},
      {.names = "-w,--wait",
       .value = "TIME",
       .group = connection_group,
       .help = "Give up when there is no connection within TIME."}};
  add_family_options(all, connection_group);
  add_report_options(all);
  return all;
}

ManualText manual() {
  return {
      .description =
          {"Sends files and folders to 'ieum recv'. Of each file both sides compute the SHA-256; "
           "one that is the same, and is on the receiver's disk (fsync(2)), is written to standard "
           "output as sha256sum(1) would: the output of either side proves it. Nothing else is "
           "called sent.",
           "What was cut off is gone on with when the same two commands are run again: bytes that "
           "are there, and are right, are not sent a second time. Permissions and times of files "
           "are kept. Symbolic links and devices are left out, and told."},
      .sections = {exit_status_section(Role::connect),
                   {.title = "Examples",
                    .entries = {{"ieum send --to host:9000 film.mkv photos",
                                 "Send a file and a folder."},
                                {"ieum send --to listen::9000 film.mkv",
                                 "Wait for the receiver: ieum recv --from HOST:9000"},
                                {"ieum send --to 'tls://host:9000?insecure=1&pin=PIN' film.mkv",
                                 "Over TLS; the receiver tells the line."}}}},
      .see_also = "sha256sum(1)"};
}

Task<int> run_send(const TransferCommand& command, Log& log) {
  Talk talk = [&](Frames& frames) -> Task<std::optional<Failure>> {
    Sender sender(frames, command.paths, log);
    const std::optional<Failure> failure = co_await sender.run();
    co_return failure;
  };
  const int status = co_await run_transfer(command, std::move(talk), log);
  co_return status;
}

Parsed<Action> parse(const GivenOptions& given, const Environment& environment) {
  if (given.words.empty()) {
    return UsageError("files are missing, as in 'ieum send --to host:9000 film.mkv'");
  }
  if (!given.has("--to")) {
    return UsageError(
        "--to is missing: start 'ieum recv' on the other machine, which tells what to write");
  }
  Parsed<TransferCommand> command = read_transfer(given, "--to", {}, environment);
  if (!command) return UsageError(command.error());
  command->paths = given.words;
  command->other = "ieum recv";
  command->other_option = "--from";
  return run_on_loop(*std::move(command), run_send);
}

}  // namespace

extern const Subcommand send_subcommand;
const Subcommand send_subcommand{.name = "send",
                                 .purpose = "send files and folders, with proof that they arrived",
                                 .arguments = {.term = "FILE...", .max = 100'000},
                                 .options = options,
                                 .manual = manual,
                                 .parse = parse};

}  // namespace ieum::cli
