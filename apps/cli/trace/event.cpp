#include "trace/event.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "text/json_line.hpp"
#include "trace/calls.hpp"

namespace ieum::cli::trace {

namespace {

using Json = nlohmann::ordered_json;

constexpr int schema_version = 1;
constexpr std::array<std::string_view, 12> kind_names{"begin", "start",   "exec",  "fork",
                                                      "call",  "waiting", "state", "stall",
                                                      "exit",  "note",    "name",  "end"};
constexpr std::array all_states{
    SocketState::closed,       SocketState::listen,      SocketState::syn_sent,
    SocketState::syn_received, SocketState::established, SocketState::fin_wait_1,
    SocketState::fin_wait_2,   SocketState::close_wait,  SocketState::closing,
    SocketState::last_ack,     SocketState::time_wait};

void put(Json& object, const char* name, const std::string& text) {
  if (!text.empty()) object[name] = text;
}
template <class Number>
void put(Json& object, const char* name, Number number, Number without) {
  if (number != without) object[name] = number;
}
void put(Json& object, const char* name, const std::optional<SocketState>& state) {
  if (state) object[name] = to_string(*state);
}

void get(const Json& object, const char* name, std::string& text) {
  const auto found = object.find(name);
  if (found != object.end()) text = found->get<std::string>();
}
template <class Number>
void get(const Json& object, const char* name, Number& number) {
  const auto found = object.find(name);
  // nlohmann-json would take 1e300 for an integer.
  if (found != object.end() && found->is_number_integer()) number = found->get<Number>();
}
/// Of a size that nobody's arithmetic overflows with.
void get(const Json& object, const char* name, std::int64_t& number) {
  constexpr std::int64_t largest = std::int64_t{1} << 40U;
  const auto found = object.find(name);
  if (found != object.end() && found->is_number_integer()) {
    number = std::clamp(found->get<std::int64_t>(), -largest, largest);
  }
}
void get(const Json& object, const char* name, bool& flag) {
  const auto found = object.find(name);
  if (found != object.end()) flag = found->get<bool>();
}
void get(const Json& object, const char* name, std::optional<SocketState>& state) {
  std::string text;
  get(object, name, text);
  const auto* const found =
      std::ranges::find_if(all_states, [&](SocketState one) { return to_string(one) == text; });
  if (found != all_states.end()) state = *found;
}
void get(const Json& object, const char* name, Time& time) {
  std::int64_t count = 0;
  get(object, name, count);
  time = Time(std::max<std::int64_t>(count, 0));
}

Event from_json(const Json& object, EventKind kind) {
  Event event{.kind = kind};
  get(object, "us", event.at);
  get(object, "took_us", event.took);
  get(object, "pid", event.pid);
  event.tid = event.pid;
  get(object, "tid", event.tid);
  get(object, "other_pid", event.other_pid);
  get(object, "text", event.text);
  get(object, "call", event.call);
  get(object, "result", event.result);
  get(object, "fd", event.fd);
  get(object, "socket", event.socket);
  get(object, "protocol", event.protocol);
  get(object, "local", event.local);
  get(object, "peer", event.peer);
  get(object, "peer_socket", event.peer_socket);
  get(object, "other_fd", event.other_fd);
  get(object, "other_socket", event.other_socket);
  get(object, "other_local", event.other_local);
  get(object, "other_peer", event.other_peer);
  get(object, "address", event.address);
  get(object, "asked", event.asked);
  get(object, "data", event.data);
  get(object, "option", event.option);
  get(object, "value", event.value);
  get(object, "part", event.part);
  get(object, "parts", event.parts);
  const auto passed = object.find("passed");
  if (passed != object.end()) event.passed = passed->get<std::vector<int>>();
  get(object, "peeks", event.peeks);
  get(object, "truncated", event.truncated);
  get(object, "held", event.is_held);
  get(object, "aborts", event.aborts);
  get(object, "late", event.is_late);
  get(object, "before", event.states.before);
  get(object, "state", event.states.own);
  get(object, "peer_state", event.states.peer);
  get(object, "unread", event.states.unread);
  get(object, "unsent", event.states.unsent);
  return event;
}

}  // namespace

std::string_view to_string(EventKind kind) noexcept {
  return kind_names[static_cast<std::size_t>(kind)];
}

bool is_datagram(const Event& call) {
  return call.protocol == "udp" || call.protocol == "unix-datagram";
}

Span span_of(const Event& call) {
  const Call* known = find_call(call.call);
  const bool began_then = (known == nullptr || known->acts_at_once()) && !call.is_late;
  return began_then ? Span{call.at, call.at + call.took} : Span{call.at - call.took, call.at};
}

std::string to_json(const Event& event) {
  Json object;
  if (event.kind == EventKind::begin) object["schema"] = schema_version;
  object["event"] = to_string(event.kind);
  object["us"] = event.at.count();
  put(object, "took_us", event.took.count(), Time::rep{0});
  put(object, "pid", event.pid, 0);
  if (event.tid != event.pid) object["tid"] = event.tid;
  put(object, "other_pid", event.other_pid, 0);
  put(object, "text", event.text);
  put(object, "call", event.call);
  if (event.kind == EventKind::call || event.kind == EventKind::exit) {
    object["result"] = event.result;
  }
  put(object, "fd", event.fd, -1);
  put(object, "socket", event.socket, std::uint64_t{0});
  put(object, "protocol", event.protocol);
  put(object, "local", event.local);
  put(object, "peer", event.peer);
  put(object, "peer_socket", event.peer_socket, std::uint64_t{0});
  put(object, "other_fd", event.other_fd, -1);
  put(object, "other_socket", event.other_socket, std::uint64_t{0});
  put(object, "other_local", event.other_local);
  put(object, "other_peer", event.other_peer);
  put(object, "address", event.address);
  put(object, "asked", event.asked, std::int64_t{-1});
  put(object, "data", event.data);
  put(object, "option", event.option);
  put(object, "value", event.value, std::int64_t{0});
  put(object, "part", event.part, 0U);
  put(object, "parts", event.parts, 0U);
  if (!event.passed.empty()) object["passed"] = event.passed;
  put(object, "peeks", event.peeks, false);
  put(object, "truncated", event.truncated, false);
  put(object, "held", event.is_held, false);
  put(object, "aborts", event.aborts, false);
  put(object, "late", event.is_late, false);
  put(object, "before", event.states.before);
  put(object, "state", event.states.own);
  put(object, "peer_state", event.states.peer);
  put(object, "unread", event.states.unread, std::uint64_t{0});
  put(object, "unsent", event.states.unsent, std::uint64_t{0});
  return json_line(object);
}

std::optional<Event> parse_event(std::string_view line) {
  try {
    const Json object = Json::parse(line);
    if (!object.is_object()) return {};
    std::string name;
    get(object, "event", name);
    const auto* const kind = std::ranges::find(kind_names, name);
    if (kind == kind_names.end()) return {};
    return from_json(object, static_cast<EventKind>(kind - kind_names.begin()));
  } catch (const Json::exception&) {
    return {};
  }
}

}  // namespace ieum::cli::trace
