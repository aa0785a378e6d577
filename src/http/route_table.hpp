// RouteTable: what Routes keep: a tree of the parts of paths, and what goes round the handlers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ieum/http/routes.hpp>

#include "http/exchange.hpp"
#include "http/forwarded.hpp"

namespace ieum::http::detail {

/// A handler of a method at a path.
struct Endpoint {
  std::string method;  // empty: any
  std::vector<std::string> names;
  Routes::Handler handler;
};

class RouteTable {
 public:
  RouteTable();
  ~RouteTable();

  void add(std::string_view method, std::string_view pattern, Routes::Handler handler);
  /// Finds what is asked for: into `endpoint` and `parameters`, or else `unrouted` and `allow`.
  void route(Exchange& exchange) const;
  /// What is round the handlers from `index` on, then the handler.
  [[nodiscard]] Task<Response> call(Exchange& exchange, std::size_t index) const;
  [[nodiscard]] bool serves_host(std::string_view authority) const noexcept;

  std::vector<Routes::Around> arounds;
  std::function<void(const Access&)> report;
  std::vector<std::string> hosts;
  std::vector<Network> trusted;

 private:
  struct Node;
  struct Search;
  static void find(const Node& node, std::size_t index, Search& search);
  static bool take(const std::vector<Endpoint>& endpoints, Search& search);
  std::unique_ptr<Node> root_;
  std::vector<std::string> methods_;
};

struct RoutesAccess {
  static RouteTable& table(Routes& routes) noexcept { return *routes.table_; }
  static const RouteTable& table(const Routes& routes) noexcept { return *routes.table_; }
};

/// A response that says what its status is, for people.
[[nodiscard]] Response plain_response(Status status, std::string_view why = {});

}  // namespace ieum::http::detail
