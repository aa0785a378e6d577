// Method: the names.
#include <ieum/http/method.hpp>

#include <array>

namespace ieum::http {

namespace {

constexpr std::array<std::string_view, 10> names = {
    "", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};

}  // namespace

std::string_view to_string(Method method) noexcept {
  return names[static_cast<std::size_t>(method)];
}

Method method_of(std::string_view name) noexcept {
  for (std::size_t i = 1; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Method>(i);
  }
  return Method::other;
}

}  // namespace ieum::http
