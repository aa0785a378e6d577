// Fuzzes Url: the input is a base and, behind a line end, a reference. What is read is written and
// read again as the same; no part holds what would end a line or a word of a request.
#include <cstdlib>
#include <string_view>

#include <ieum/http/url.hpp>

namespace {

void check(const ieum::http::Url& url) {
  const auto again = ieum::http::Url::parse(url.to_string());
  if (!again || *again != url) std::abort();
  for (const char c : url.to_string()) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f)
      std::abort();
  }
  if (url.host().empty() || !url.path().starts_with('/')) std::abort();
  if (url.target().find('#') != std::string::npos) std::abort();
  if (url.authority().find_first_of("/?#@\\") != std::string::npos) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  const std::string_view text(data, size);
  const std::size_t line = text.find('\n');
  const auto url = ieum::http::Url::parse(text.substr(0, line));
  if (!url) return 0;
  check(*url);
  if (line == std::string_view::npos) return 0;
  const auto to = url->resolve(text.substr(line + 1));
  if (to) check(*to);
  return 0;
}
