#include "text/json_line.hpp"

#include <nlohmann/json.hpp>

#include <ieum/printable.hpp>

namespace ieum::cli {

std::string json_line(const nlohmann::ordered_json& object) {
  using Json = nlohmann::ordered_json;
  std::string line = object.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (printable(line) != line) line = object.dump(-1, ' ', true, Json::error_handler_t::replace);
  return line + "\n";
}

}  // namespace ieum::cli
