// Log: all that `ieum` says besides the payload, on standard error: for people, or as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/failure.hpp"

namespace ieum::cli {

/// One member of an event's JSON object: a text, a number, several texts, or true or false.
struct Field {
  enum class Kind : std::uint8_t { text, count, amount, list, flag };

  Field(std::string_view what, std::string value)
      : name(what), kind(Kind::text), text(std::move(value)) {}
  Field(std::string_view what, std::uint64_t value) : name(what), kind(Kind::count), count(value) {}
  Field(std::string_view what, double value) : name(what), kind(Kind::amount), amount(value) {}
  Field(std::string_view what, std::vector<std::string> values)
      : name(what), kind(Kind::list), list(std::move(values)) {}
  /// By name: a literal would be one.
  [[nodiscard]] static Field flag(std::string_view what, bool value) {
    Field field(what, std::uint64_t{value});
    field.kind = Kind::flag;
    return field;
  }

  std::string_view name;
  Kind kind;
  std::string text{};
  std::uint64_t count = 0;
  double amount = 0;
  std::vector<std::string> list{};
};

/// One thing that happened, in both forms.
struct LogEvent {
  std::string_view name;  ///< JSON's "event": a word of docs/events.md
  std::string sentence;   ///< -v
  std::string call{};     ///< -vv: the system call behind it
  std::vector<Field> fields{};
};

class Log {
 public:
  struct Options {
    int verbosity = 0;  ///< how often -v was given
    bool json = false;
    bool color = false;
  };
  explicit Log(const Options& options) noexcept : options_(options) {}

  /// Whether events are reported at all, and whether each read and write is.
  [[nodiscard]] bool reports_events() const noexcept {
    return options_.verbosity > 0 || options_.json;
  }
  [[nodiscard]] bool reports_transfers() const noexcept { return options_.verbosity > 1; }

  /// An event, with -v or --json. `label` says which connection: a prefix for people.
  void event(const LogEvent& event, std::string_view label = {});
  /// What the user must know in any case.
  void notice(const LogEvent& event);
  /// Why the command streams. Gives its exit status.
  int failed(const Failure& failure);

 private:
  void write_json(const LogEvent& event);
  void write_line(std::string_view mark, std::string_view label, std::string_view sentence,
                  std::string_view call);

  Options options_;
};

}  // namespace ieum::cli
