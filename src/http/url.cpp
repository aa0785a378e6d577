// Url: the parser of the WHATWG's URL Standard (section 4.4), for the schemes of HTTP. Pure
// functions.
#include <ieum/http/url.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "http/url_host.hpp"

namespace ieum::http {

namespace {

Failure wrong(std::string_view why) {
  return fail(Error(std::errc::invalid_argument, "parse URL").with_detail(why));
}

struct SchemeInfo {
  std::string_view name;
  std::uint16_t port;
};
constexpr std::array<SchemeInfo, 4> schemes{
    {{"http", 80}, {"https", 443}, {"ws", 80}, {"wss", 443}}};

const SchemeInfo& info_of(Url::Scheme scheme) noexcept {
  return schemes.at(static_cast<std::size_t>(scheme));
}

bool is_alpha(char c) noexcept { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_slash(char c) noexcept { return c == '/' || c == '\\'; }
char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

int hex_digit(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char small = static_cast<char>(c | 0x20);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

void append_encoded(std::string& to, char c) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  to += '%';
  to += digits[byte >> 4U];
  to += digits[byte & 0xfU];
}

// The percent-encode sets (section 1.3), beside controls and what is not ASCII.
constexpr std::string_view fragment_set = " \"<>`";
constexpr std::string_view query_set = " \"#<>'";
constexpr std::string_view path_set = " \"#<>?^`{}";
constexpr std::string_view userinfo_set = " \"#<>?^`{}/:;=@[\\]|";

std::string encode_all(std::string_view text, std::string_view set) {
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7e || set.contains(c)) {
      append_encoded(encoded, c);
    } else {
      encoded += c;
    }
  }
  return encoded;
}

/// Without the controls and spaces round it, and the tabs and line ends in it.
std::string cleaned(std::string_view text) {
  const auto is_space = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  std::string clean(text);
  std::erase_if(clean, [](char c) { return c == '\t' || c == '\n' || c == '\r'; });
  return clean;
}

/// The scheme that `text` begins with, without its colon; none if there is none.
std::optional<std::string_view> scheme_in(std::string_view text) {
  if (text.empty() || !is_alpha(text[0])) return std::nullopt;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == ':') return text.substr(0, i);
    if (!is_alpha(text[i]) && !is_digit(text[i]) && !std::string_view("+-.").contains(text[i]))
      break;
  }
  return std::nullopt;
}

std::optional<Url::Scheme> known_scheme(std::string_view name) {
  for (std::size_t i = 0; i < schemes.size(); ++i) {
    if (std::ranges::equal(name, schemes[i].name, {}, lower)) return static_cast<Url::Scheme>(i);
  }
  return std::nullopt;
}

/// How many dots a segment of a path stands for: `.`, `%2e`, `..`, `.%2E` and so on; 0: none.
int dots_in(std::string_view segment) {
  int dots = 0;
  while (!segment.empty()) {
    if (segment[0] == '.') {
      segment.remove_prefix(1);
    } else if (segment.size() >= 3 && segment[0] == '%' && segment[1] == '2' &&
               lower(segment[2]) == 'e') {
      segment.remove_prefix(3);
    } else {
      return 0;
    }
    if (++dots > 2) return 0;
  }
  return dots;
}

/// Adds the segments of `text`, which stand behind those of `path`: each with its slash.
void append_path(std::string& path, std::string_view text) {
  for (;;) {
    const std::size_t end = text.find_first_of("/\\");
    const std::string_view segment = text.substr(0, end);
    const bool is_last = end == std::string_view::npos;
    const int dots = dots_in(segment);
    if (dots == 2 && !path.empty()) path.erase(path.rfind('/'));
    if (dots == 0) {
      path += '/';
      path += encode_all(segment, path_set);
    } else if (is_last) {
      path += '/';
    }
    if (is_last) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

/// Takes a URL apart from the left; `rest` is what has not been read.
struct Url::Reader {
  std::string_view rest;
  Url url;

  Result<> read(const Url* base) {
    const std::optional<std::string_view> name = scheme_in(rest);
    if (!name) {
      if (base == nullptr) return wrong("it has no scheme: write http:// or https:// before it");
      return read_relative(*base);
    }
    const std::optional<Scheme> scheme = known_scheme(*name);
    if (!scheme) {
      return wrong("its scheme is " + std::string(name->substr(0, 20)) +
                   ": only http, https, ws and wss are known");
    }
    rest.remove_prefix(name->size() + 1);
    if (base != nullptr && base->scheme_ == *scheme && !rest.starts_with("//")) {
      return read_relative(*base);
    }
    url.scheme_ = *scheme;
    return read_authority();
  }

 private:
  Result<> read_relative(const Url& base) {
    if (rest.size() >= 2 && is_slash(rest[0]) && is_slash(rest[1])) {
      url.scheme_ = base.scheme_;
      return read_authority();
    }
    url = base;
    url.fragment_.reset();
    if (rest.empty() || rest[0] == '?' || rest[0] == '#') return read_query();
    if (is_slash(rest[0])) {
      url.path_.clear();
      return read_path(rest.substr(1));
    }
    url.path_.erase(url.path_.rfind('/'));
    return read_path(rest);
  }

  Result<> read_authority() {
    while (!rest.empty() && is_slash(rest[0])) rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find_first_of("/\\?#"), rest.size());
    std::string_view authority = rest.substr(0, end);
    rest.remove_prefix(end);
    if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
      const std::string_view user = authority.substr(0, at);
      authority.remove_prefix(at + 1);
      const std::size_t colon = user.find(':');
      url.username_ = encode_all(user.substr(0, colon), userinfo_set);
      if (colon != std::string_view::npos) {
        url.password_ = encode_all(user.substr(colon + 1), userinfo_set);
      }
    }
    const std::size_t bracket = authority.find(']');
    const std::size_t colon = authority.find(
        ':', authority.starts_with('[') && bracket != std::string_view::npos ? bracket : 0);
    const std::string_view host = authority.substr(0, colon);
    if (host.empty()) return wrong("it has no host");
    Result<std::string> parsed = parse_url_host(host);
    if (!parsed) return fail(parsed.error());
    url.host_ = *std::move(parsed);
    if (colon != std::string_view::npos) {
      const Result<> port = read_port(authority.substr(colon + 1));
      if (!port) return port;
    }
    url.path_.clear();
    if (!rest.empty() && is_slash(rest[0])) rest.remove_prefix(1);
    return read_path(rest);
  }

  Result<> read_port(std::string_view digits) {
    if (digits.empty()) return {};
    if (!std::ranges::all_of(digits, is_digit)) return wrong("its port is no number");
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{}) return wrong("its port is above 65535");
    if (port != info_of(url.scheme_).port) url.port_ = port;
    return {};
  }

  /// `text` begins after the slash.
  Result<> read_path(std::string_view text) {
    const std::size_t end = std::min(text.find_first_of("?#"), text.size());
    append_path(url.path_, text.substr(0, end));
    rest = text.substr(end);
    url.query_.reset();
    return read_query();
  }

  Result<> read_query() {
    const std::size_t end = std::min(rest.find('#'), rest.size());
    if (rest.starts_with('?')) url.query_ = encode_all(rest.substr(1, end - 1), query_set);
    rest.remove_prefix(end);
    if (rest.starts_with('#')) url.fragment_ = encode_all(rest.substr(1), fragment_set);
    return {};
  }

 public:
  static Result<Url> read(std::string_view text, const Url* base) {
    constexpr const char* operation = "parse URL";
    if (text.size() > bytes_max) {
      return fail(Error(Errc::limit_exceeded, operation)
                      .with_detail("it is longer than " + std::to_string(bytes_max) + " bytes"));
    }
    const std::string clean = cleaned(text);
    Reader reader{.rest = clean, .url = Url()};
    const Result<> done = reader.read(base);
    if (done) return std::move(reader.url);
    const std::string why(done.error().detail());
    return fail(Error(done.error().code(), operation).with_name(clean).with_detail(why));
  }
};

Result<Url> Url::parse(std::string_view text) { return Reader::read(text, nullptr); }
Result<Url> Url::resolve(std::string_view reference) const { return Reader::read(reference, this); }

std::string_view Url::scheme_name() const noexcept { return info_of(scheme_).name; }
std::uint16_t Url::port() const noexcept { return port_.value_or(info_of(scheme_).port); }

std::string Url::target() const { return query_ ? path_ + "?" + *query_ : path_; }

std::string Url::authority() const { return port_ ? host_ + ":" + std::to_string(*port_) : host_; }

std::string Url::origin() const { return std::string(scheme_name()) + "://" + authority(); }

Result<HostPort> Url::host_port() const { return HostPort::make(host_, port()); }

std::string Url::to_string() const {
  std::string text = std::string(scheme_name()) + "://";
  if (!username_.empty() || !password_.empty()) {
    text += username_;
    if (!password_.empty()) text += ":" + password_;
    text += "@";
  }
  text += authority();
  text += target();
  if (fragment_) text += "#" + *fragment_;
  return text;
}

void Url::remove_credentials() noexcept {
  username_.clear();
  password_.clear();
}

std::string Url::decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        decoded += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    decoded += text[i];
  }
  return decoded;
}

std::string Url::encode(std::string_view text) {
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (is_alpha(c) || is_digit(c) || std::string_view("-._~").contains(c)) {
      encoded += c;
    } else {
      append_encoded(encoded, c);
    }
  }
  return encoded;
}

}  // namespace ieum::http
