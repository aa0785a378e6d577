#include "transfer/transfer_progress.hpp"

#include <unistd.h>

#include <cstdio>

#include <fmt/format.h>

#include <ieum/printable.hpp>

#include "text/suggest.hpp"
#include "text/terminal.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

/// sha256sum(1) marks a line whose name has such letters by a backslash before it.
std::string checksum_line(std::string_view name, const Sha256::Digest& digest) {
  std::string escaped;
  for (const char letter : name) {
    if (letter == '\\') {
      escaped += "\\\\";
    } else if (letter == '\n') {
      escaped += "\\n";
    } else if (letter == '\r') {
      escaped += "\\r";
    } else {
      escaped += letter;
    }
  }
  const bool marked = escaped.size() != name.size();
  return fmt::format("{}{}  {}\n", marked ? "\\" : "", to_hex(digest), escaped);
}

std::string rate_of(std::uint64_t bytes, std::chrono::duration<double> time) {
  const double seconds = time.count() > 0.001 ? time.count() : 0.001;
  return format_bytes(static_cast<std::uint64_t>(static_cast<double>(bytes) / seconds)) + "/s";
}

}  // namespace

TransferProgress::TransferProgress(Log& log, std::string_view verb)
    : log_(log), verb_(verb), line_(draws_lines(STDERR_FILENO) && !log.reports_events(), {}) {
  line_.begin(0, std::nullopt);
}

void TransferProgress::moved(std::string_view name, std::uint64_t done, std::uint64_t size,
                             std::size_t bytes) {
  moved_ += bytes;
  if (current_ != name) {
    current_ = name;
    line_.begin_next(name, done - bytes, size);
  }
  line_.at(done);
}

void TransferProgress::agreed(std::string_view name, const Sha256::Digest& digest,
                              std::uint64_t size) {
  line_.clear();
  ++files_;
  bytes_ += size;
  const std::string line = checksum_line(name, digest);
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

void TransferProgress::failed(std::string_view name, std::string_view why) {
  line_.clear();
  ++failures_;
  log_.notice({"file_failed",
               fmt::format("{}: {}", in_quotes(name), printable(why)),
               {},
               {{"name", std::string(name)}, {"message", std::string(why)}}});
}

void TransferProgress::summarize() {
  line_.clear();
  const auto time = std::chrono::steady_clock::now() - began_;
  std::string sentence =
      fmt::format("{} {} file{}, {} in {}", verb_, files_, files_ == 1 ? "" : "s",
                  format_bytes(bytes_), format_duration(time));
  if (moved_ > 0) sentence += fmt::format(", {} over the network", rate_of(moved_, time));
  if (files_ > 0) {
    sentence += "; on the receiver's disk, with the SHA-256 that standard output tells";
  }
  if (failures_ > 0) sentence += fmt::format("; {} failed", failures_);
  log_.notice({"transferred",
               std::move(sentence),
               {},
               {{"files", files_},
                {"bytes", bytes_},
                {"failed", failures_},
                {"seconds", std::chrono::duration<double>(time).count()}}});
}

}  // namespace ieum::cli
