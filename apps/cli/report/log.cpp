#include "report/log.hpp"

#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ieum/printable.hpp>

#include "text/json_line.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

/// Raised when a member changes its meaning or goes; new ones may come at any time.
constexpr int schema_version = 1;

/// Whole lines, so that programs which share a standard error do not mix theirs.
void write_error(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(STDERR_FILENO, text.data(), text.size());
    if (count < 0 && errno != EINTR) return;  // there is nobody to tell
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

void Log::event(const LogEvent& event, std::string_view label) {
  if (options_.json) return write_json(event);
  if (options_.verbosity > 0) write_line("* ", label, event.sentence, event.call);
}

void Log::notice(const LogEvent& event) {
  if (options_.json) return write_json(event);
  write_line("ieum: ", {}, event.sentence, {});
}

int Log::failed(const Failure& failure) {
  const auto status = static_cast<std::uint64_t>(failure.status);
  LogEvent event{.name = "failed", .sentence = failure.sentence};
  event.fields.emplace_back("status", status);
  event.fields.emplace_back("message", failure.sentence);
  notice(event);
  return static_cast<int>(status);
}

void Log::write_json(const LogEvent& event) {
  nlohmann::ordered_json object;
  object["schema"] = schema_version;
  object["time"] = utc_now();
  object["event"] = event.name;
  for (const Field& field : event.fields) {
    nlohmann::ordered_json& member = object[std::string(field.name)];
    switch (field.kind) {
      case Field::Kind::text: member = field.text; break;
      case Field::Kind::count: member = field.count; break;
      case Field::Kind::amount: member = field.amount; break;
      case Field::Kind::list: member = field.list; break;
      case Field::Kind::flag: member = field.count != 0; break;
    }
  }
  if (options_.verbosity > 1 && !event.call.empty()) object["call"] = event.call;
  write_error(json_line(object));
}

void Log::write_line(std::string_view mark, std::string_view label, std::string_view sentence,
                     std::string_view call) {
  std::string line;
  const bool dim = options_.color && mark == "* ";
  if (dim) line += "\x1b[2m";
  line += mark;
  if (!label.empty()) line.append("[").append(label).append("] ");
  line += printable(sentence);  // a file's name, say, may hold anything
  if (options_.verbosity > 1 && !call.empty()) line.append("   ").append(call);
  if (dim) line += "\x1b[0m";
  line += '\n';
  write_error(line);
}

}  // namespace ieum::cli
