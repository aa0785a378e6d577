// EventLog: what happened, one line an event.
#include "rooms/event_log.hpp"

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include <ieum/printable.hpp>

#include "session/outgoing.hpp"

namespace ieum::hub {

void EventLog::write(std::string_view event, std::initializer_list<Field> fields) const {
  if (quiet_) return;
  const std::string time =
      format_time(std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()));
  std::string line;
  if (json_) {
    nlohmann::ordered_json json{{"time", time}, {"event", event}};
    for (const auto& [key, value] : fields) json[std::string(key)] = value;
    line = json.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
  } else {
    line = time + " " + std::string(event);
    for (const auto& [key, value] : fields) {
      const std::string text = printable(value);
      line += " " + std::string(key) + "=";
      line += text.find_first_of(" \"=") == std::string::npos && !text.empty() ? text
                                                                               : "\"" + text + "\"";
    }
  }
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace ieum::hub
