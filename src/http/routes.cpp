// Routes: the tree of paths, and calling what was found.
#include <ieum/http/routes.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

#include <ieum/http/date.hpp>
#include <ieum/http/form.hpp>

#include "http/route_table.hpp"
#include "http/syntax.hpp"

namespace ieum::http {
namespace detail {

// ---- The tree -----------------------------------------------------------------------------------

struct RouteTable::Node {
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> literals;
  std::unique_ptr<Node> parameter;
  std::vector<Endpoint> endpoints;
  std::vector<Endpoint> rest;  // of {name...}

  Node& literal(std::string_view part) {
    for (auto& [name, node] : literals) {
      if (name == part) return *node;
    }
    return *literals.emplace_back(part, std::make_unique<Node>()).second;
  }
};

struct RouteTable::Search {
  Exchange& exchange;
  std::string_view method;
  std::vector<std::string> values;
  std::vector<std::string_view> allowed;
  bool found_path = false;
};

RouteTable::RouteTable() : root_(std::make_unique<Node>()) {}
RouteTable::~RouteTable() = default;

void RouteTable::add(std::string_view method, std::string_view pattern, Routes::Handler handler) {
  IEUM_ASSERT(pattern.starts_with('/'), "a route's pattern begins with a slash");
  IEUM_ASSERT(method.empty() || is_token(method), "a route's method is no token");
  Endpoint endpoint{.method = std::string(method), .names = {}, .handler = std::move(handler)};
  Node* node = root_.get();
  std::vector<Endpoint>* place = nullptr;
  std::string_view left = pattern.substr(1);
  for (bool more = true; more;) {
    IEUM_ASSERT(place == nullptr, "{name...} is the last part of a route's pattern");
    const std::size_t end = left.find('/');
    more = end != left.npos;
    std::string_view part = left.substr(0, end);
    if (more) left.remove_prefix(end + 1);
    if (!part.starts_with('{') || !part.ends_with('}')) {
      node = &node->literal(part);
      continue;
    }
    part = part.substr(1, part.size() - 2);
    if (part.ends_with("...")) {
      part.remove_suffix(3);
      place = &node->rest;
    } else {
      if (node->parameter == nullptr) node->parameter = std::make_unique<Node>();
      node = node->parameter.get();
    }
    IEUM_ASSERT(!part.empty(), "a part of a route's pattern has no name");
    endpoint.names.emplace_back(part);
  }
  if (place == nullptr) place = &node->endpoints;
  for (const Endpoint& other : *place) {
    IEUM_ASSERT(other.method != method, "two routes have the same pattern and method");
  }
  place->push_back(std::move(endpoint));
  if (std::ranges::find(methods_, method) == methods_.end()) methods_.emplace_back(method);
}

/// True if one of them has the method; else they are allowed ones.
bool RouteTable::take(const std::vector<Endpoint>& endpoints, Search& search) {
  if (endpoints.empty()) return false;
  search.found_path = true;
  const auto of = [&](std::string_view method) -> const Endpoint* {
    for (const Endpoint& one : endpoints) {
      if (one.method == method) return &one;
    }
    return nullptr;
  };
  const Endpoint* found = of(search.method);
  if (found == nullptr && search.method == "HEAD") found = of("GET");
  if (found == nullptr) found = of("");
  if (found == nullptr) {
    for (const Endpoint& one : endpoints) search.allowed.push_back(one.method);
    return false;
  }
  search.exchange.endpoint = found;
  for (std::size_t i = 0; i < found->names.size(); ++i) {
    search.exchange.parameters.emplace_back(found->names[i], std::move(search.values[i]));
  }
  return true;
}

void RouteTable::find(const Node& node, std::size_t index, Search& search) {
  Exchange& exchange = search.exchange;
  const std::vector<std::string_view>& parts = exchange.parts;
  if (index == parts.size()) {
    take(node.endpoints, search);
    return;
  }
  for (const auto& [name, next] : node.literals) {
    if (name != parts[index]) continue;
    find(*next, index + 1, search);
    if (exchange.endpoint != nullptr) return;
  }
  if (node.parameter != nullptr && !parts[index].empty()) {
    search.values.emplace_back(parts[index]);
    find(*node.parameter, index + 1, search);
    if (exchange.endpoint != nullptr) return;
    search.values.pop_back();
  }
  if (node.rest.empty()) return;
  std::string rest(parts[index]);
  for (std::size_t i = index + 1; i < parts.size(); ++i) rest.append("/").append(parts[i]);
  search.values.push_back(std::move(rest));
  if (!take(node.rest, search)) search.values.pop_back();
}

namespace {

/// Neither `.` nor `..` is a part, also not of one with an encoded slash; there is no NUL.
bool is_harmless(std::string_view part) noexcept {
  if (part.find('\0') != part.npos) return false;
  for (;;) {
    const std::size_t slash = std::min(part.find('/'), part.size());
    const std::string_view piece = part.substr(0, slash);
    if (piece == "." || piece == "..") return false;
    if (slash == part.size()) return true;
    part.remove_prefix(slash + 1);
  }
}

/// Takes the path apart; false if no handler is to see it.
bool split_path(Exchange& exchange) {
  std::string_view path = exchange.head.path_text();
  if (!path.starts_with('/')) return false;
  path.remove_prefix(1);
  for (bool more = true; more;) {
    const std::size_t end = path.find('/');
    more = end != path.npos;
    std::string_view part = path.substr(0, end);
    if (more) path.remove_prefix(end + 1);
    if (part.find('%') != part.npos) {
      std::optional<std::string> decoded = percent_decode(part);
      if (!decoded) return false;
      exchange.decoded.push_back(*std::move(decoded));
      part = exchange.decoded.back();
    }
    if (!is_harmless(part)) return false;
    exchange.parts.push_back(part);
  }
  return true;
}

/// `GET, HEAD, OPTIONS`
std::string allow_of(std::vector<std::string_view> methods) {
  if (std::ranges::find(methods, "GET") != methods.end()) methods.emplace_back("HEAD");
  methods.emplace_back("OPTIONS");
  std::ranges::sort(methods);
  const auto rest = std::ranges::unique(methods);
  methods.erase(rest.begin(), rest.end());
  std::string text;
  for (const std::string_view one : methods) {
    if (!text.empty()) text += ", ";
    text += one;
  }
  return text;
}

}  // namespace

void RouteTable::route(Exchange& exchange) const {
  const Method method = exchange.head.method;
  if (exchange.head.path_text() == "*") {  // OPTIONS of the server
    exchange.unrouted = Status::no_content;
    exchange.allow = allow_of({methods_.begin(), methods_.end()});
    if (exchange.allow.starts_with(", ")) exchange.allow.erase(0, 2);  // of any
    return;
  }
  if (method == Method::connect) {
    exchange.unrouted = Status::not_implemented;
    return;
  }
  if (!split_path(exchange)) {
    exchange.unrouted = Status::bad_request;
    return;
  }
  Search search{.exchange = exchange,
                .method = exchange.head.part(exchange.head.method_name),
                .values = {},
                .allowed = {},
                .found_path = false};
  find(*root_, 0, search);
  if (exchange.endpoint != nullptr) return;
  const auto is_known = [&](std::string_view name) {
    return std::ranges::find(methods_, name) != methods_.end();
  };
  if (method == Method::other && !is_known(search.method)) {
    exchange.unrouted = Status::not_implemented;
  } else if (!search.found_path) {
    exchange.unrouted = Status::not_found;
  } else {
    exchange.unrouted = method == Method::options ? Status::no_content : Status::method_not_allowed;
    exchange.allow = allow_of(std::move(search.allowed));
  }
}

// ---- Calling ------------------------------------------------------------------------------------

namespace {

Task<Response> unrouted(Exchange& exchange) {
  Response response = exchange.unrouted == Status::no_content ? Response(Status::no_content)
                                                              : plain_response(exchange.unrouted);
  if (!exchange.allow.empty()) {
    const Result<> added = response.fields().add("Allow", exchange.allow);
    static_cast<void>(added);  // of methods, which are tokens
  }
  co_return response;
}

}  // namespace

Task<Response> RouteTable::call(Exchange& exchange, std::size_t index) const {
  if (index < arounds.size()) return arounds[index](exchange.request, Next(*this, index + 1));
  if (exchange.endpoint == nullptr) return unrouted(exchange);
  return exchange.endpoint->handler(exchange.request);
}

bool RouteTable::serves_host(std::string_view authority) const noexcept {
  if (hosts.empty()) return true;
  // Without the port, and without the dot that a name may end with.
  std::string_view name = authority.substr(0, authority.rfind(']') + 1);
  if (name.empty()) name = authority.substr(0, authority.find(':'));
  if (name.ends_with('.')) name.remove_suffix(1);
  return std::ranges::any_of(
      hosts, [&](const std::string& one) { return equal_ignoring_case(one, name); });
}

Response plain_response(Status status, std::string_view why) {
  std::string text = std::to_string(number(status));
  text.append(" ").append(reason_phrase(status));
  if (!why.empty()) text.append(": ").append(why);
  text += '\n';
  return Response::text(std::move(text), status);
}

}  // namespace detail

Task<Response> Next::operator()(Request& request) const {
  return table_->call(detail::Exchange::of(request), index_);
}

// ---- Routes -------------------------------------------------------------------------------------

Routes::Routes() : table_(std::make_unique<detail::RouteTable>()) {}
Routes::Routes(Routes&&) noexcept = default;
Routes& Routes::operator=(Routes&&) noexcept = default;
Routes::~Routes() = default;

Routes& Routes::get(std::string_view pattern, Handler handler) {
  return on("GET", pattern, std::move(handler));
}
Routes& Routes::post(std::string_view pattern, Handler handler) {
  return on("POST", pattern, std::move(handler));
}
Routes& Routes::put(std::string_view pattern, Handler handler) {
  return on("PUT", pattern, std::move(handler));
}
Routes& Routes::patch(std::string_view pattern, Handler handler) {
  return on("PATCH", pattern, std::move(handler));
}
Routes& Routes::delete_(std::string_view pattern, Handler handler) {
  return on("DELETE", pattern, std::move(handler));
}
Routes& Routes::any(std::string_view pattern, Handler handler) {
  table_->add("", pattern, std::move(handler));
  return *this;
}
Routes& Routes::on(std::string_view method, std::string_view pattern, Handler handler) {
  IEUM_ASSERT(!method.empty(), "a route's method is empty");
  table_->add(method, pattern, std::move(handler));
  return *this;
}

Routes& Routes::around(Around around) {
  table_->arounds.push_back(std::move(around));
  return *this;
}
Routes& Routes::on_access(std::function<void(const Access&)> report) {
  table_->report = std::move(report);
  return *this;
}
Routes& Routes::host(std::string_view name) {
  table_->hosts.emplace_back(name);
  return *this;
}
Result<> Routes::trust(std::string_view proxy) {
  const Result<detail::Network> network = detail::Network::parse(proxy);
  if (!network) return fail(network.error());
  table_->trusted.push_back(*network);
  return {};
}

// ---- The log ------------------------------------------------------------------------------------

namespace {

/// As nginx does it: what is no printable ASCII, and what ends a field, as \xNN.
void append_escaped(std::string& to, std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7e || c == '"' || c == '\\') {
      to += "\\x";
      to += digits[byte >> 4U];
      to += digits[byte & 0xfU];
    } else {
      to += c;
    }
  }
}

void append_field_of(std::string& to, const Access& access, std::string_view name) {
  to += " \"";
  const std::optional<std::string_view> value =
      access.request != nullptr ? access.request->field(name) : std::nullopt;
  append_escaped(to, value.value_or("-"));
  to += '"';
}

/// An address without its port, or `unix:`.
std::string host_of(const Address& address) {
  if (!address.is_ip()) return address.is_unix() ? "unix:" : "-";
  std::string text = address.to_string();
  text.resize(text.rfind(':'));
  if (text.starts_with('[')) text = text.substr(1, text.size() - 2);
  return text;
}

}  // namespace

std::string to_log_line(const Access& access) {
  using namespace std::chrono;
  std::string line =
      host_of(access.request != nullptr ? access.request->client() : access.peer) + " - - [";
  // Sun, 06 Nov 1994 08:49:37 GMT  →  06/Nov/1994:08:49:37 +0000
  const std::string date = format_date(floor<seconds>(system_clock::now()));
  line.append(date, 5, 2).append("/").append(date, 8, 3).append("/").append(date, 12, 4);
  line.append(":").append(date, 17, 8).append(" +0000] \"");
  if (access.request != nullptr) {
    append_escaped(line, access.request->method_name());
    line += ' ';
    append_escaped(line, access.request->target());
    line += access.request->version() == Version::http10 ? " HTTP/1.0" : " HTTP/1.1";
  }
  line.append("\" ").append(std::to_string(number(access.status)));
  line.append(" ").append(std::to_string(access.body_bytes));
  append_field_of(line, access, "Referer");
  append_field_of(line, access, "User-Agent");
  const auto micros = duration_cast<microseconds>(access.time).count();
  std::array<char, 32> time{};
  std::snprintf(time.data(), time.size(), " %lld.%03lld", static_cast<long long>(micros / 1000),
                static_cast<long long>(micros % 1000));
  line += time.data();
  if (access.why[0] != '\0') line.append(" ").append(access.why);
  return line;
}

}  // namespace ieum::http
