// The opening handshake, without any I/O.
#include "websocket/handshake.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include <ieum/random_bytes.hpp>

#include "http/syntax.hpp"

namespace ieum::websocket::detail {

namespace {

using http::detail::equal_ignoring_case;
using http::detail::is_token;
using http::detail::next_element;
using http::detail::trimmed;

std::string base64(std::span<const unsigned char> bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

bool lists(std::string_view list, std::string_view element) noexcept {
  for (std::string_view one = next_element(list); !one.empty(); one = next_element(list)) {
    if (one == element) return true;
  }
  return false;
}

// ---- permessage-deflate ------------------------------------------------------------------------

/// The four parameters as they stand; of the windows, 0 without a value.
struct Parameters {
  bool server_forgets = false;
  bool client_forgets = false;
  std::optional<unsigned> server_bits;
  std::optional<unsigned> client_bits;
};

/// The next part up to a semicolon outside quotation marks.
std::string_view next_parameter(std::string_view& text) noexcept {
  bool quoted = false;
  std::size_t at = 0;
  for (; at < text.size() && (quoted || text[at] != ';'); ++at) {
    if (text[at] == '"') quoted = !quoted;
  }
  const std::string_view part = trimmed(text.substr(0, at));
  text.remove_prefix(std::min(text.size(), at + 1));
  return part;
}

/// 8 to 15, without a zero before it; 0: it is not.
unsigned window_bits(std::string_view text) noexcept {
  if (text.size() == 1 && (text[0] == '8' || text[0] == '9'))
    return static_cast<unsigned>(text[0] - '0');
  if (text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5') {
    return 10U + static_cast<unsigned>(text[1] - '0');
  }
  return 0;
}

/// One flag, or one window, of which there may be one only.
bool set_flag(bool& flag, bool has_value) noexcept {
  if (flag || has_value) return false;
  flag = true;
  return true;
}
bool set_bits(std::optional<unsigned>& bits, std::optional<std::string_view> value,
              bool may_be_empty) noexcept {
  if (bits) return false;
  if (!value) {
    bits = 0;
    return may_be_empty;
  }
  bits = window_bits(*value);
  return *bits != 0;
}

/// Of one extension; none: it is another one, or against the rules of this one.
std::optional<Parameters> parse(std::string_view extension, bool is_offer) {
  if (next_parameter(extension) != "permessage-deflate") return std::nullopt;
  Parameters found;
  while (!extension.empty()) {
    const std::string_view part = next_parameter(extension);
    const std::size_t equals = part.find('=');
    const std::string_view name = trimmed(part.substr(0, equals));
    std::optional<std::string_view> value;
    if (equals != part.npos) {
      value = trimmed(part.substr(equals + 1));
      if (value->size() >= 2 && value->front() == '"' && value->back() == '"') {
        value = value->substr(1, value->size() - 2);
      }
    }
    bool good = false;
    if (name == "server_no_context_takeover") {
      good = set_flag(found.server_forgets, value.has_value());
    } else if (name == "client_no_context_takeover") {
      good = set_flag(found.client_forgets, value.has_value());
    } else if (name == "server_max_window_bits") {
      good = set_bits(found.server_bits, value, false);
    } else if (name == "client_max_window_bits") {
      good = set_bits(found.client_bits, value, is_offer);
    }
    if (!good) return std::nullopt;
  }
  return found;
}

std::uint8_t own_bits(const WebSocketOptions& options) noexcept {
  return static_cast<std::uint8_t>(std::clamp(options.compression_window_bits, 9, 15));
}

}  // namespace

std::optional<DeflateChoice> choose_deflate(std::string_view offers,
                                            const WebSocketOptions& options) {
  for (std::string_view one = next_element(offers); !one.empty(); one = next_element(offers)) {
    const std::optional<Parameters> offer = parse(one, true);
    // zlib compresses with no window of 8 bits.
    if (!offer || (offer->server_bits && *offer->server_bits == 8)) continue;
    DeflateChoice choice;
    DeflateParameters& chosen = choice.parameters;
    choice.answer = "permessage-deflate";
    chosen.we_forget = offer->server_forgets || options.compression_forgets;
    chosen.they_forget = offer->client_forgets || options.compression_forgets;
    if (chosen.we_forget) choice.answer += "; server_no_context_takeover";
    if (chosen.they_forget) choice.answer += "; client_no_context_takeover";
    chosen.our_window_bits = own_bits(options);
    if (offer->server_bits && *offer->server_bits < chosen.our_window_bits) {
      chosen.our_window_bits = static_cast<std::uint8_t>(*offer->server_bits);
    }
    if (chosen.our_window_bits < 15) {
      choice.answer += "; server_max_window_bits=" + std::to_string(chosen.our_window_bits);
    }
    if (offer->client_bits) {  // only then may we ask for less
      const unsigned most = *offer->client_bits == 0 ? 15 : *offer->client_bits;
      const unsigned bits = std::min<unsigned>(most, own_bits(options));
      chosen.their_window_bits = static_cast<std::uint8_t>(std::max(bits, 9U));
      if (bits < 15) choice.answer += "; client_max_window_bits=" + std::to_string(bits);
    }
    return choice;
  }
  return std::nullopt;
}

std::string offer_deflate(const WebSocketOptions& options) {
  std::string offer = "permessage-deflate; client_max_window_bits";
  if (options.compression_forgets) {
    offer += "; client_no_context_takeover; server_no_context_takeover";
  }
  return offer;
}

std::optional<DeflateParameters> accept_deflate(std::string_view answer,
                                                const WebSocketOptions& options) {
  const std::string_view one = next_element(answer);
  if (!next_element(answer).empty()) return std::nullopt;  // more than was offered
  const std::optional<Parameters> said = parse(one, false);
  if (!said) return std::nullopt;
  if (said->client_bits && *said->client_bits == 8) return std::nullopt;  // zlib cannot
  if (options.compression_forgets && !said->server_forgets) return std::nullopt;
  DeflateParameters parameters;
  parameters.we_forget = said->client_forgets || options.compression_forgets;
  parameters.they_forget = said->server_forgets;
  parameters.our_window_bits = std::min<std::uint8_t>(
      own_bits(options), static_cast<std::uint8_t>(said->client_bits.value_or(15)));
  parameters.their_window_bits =
      static_cast<std::uint8_t>(std::max(said->server_bits.value_or(15), 9U));
  return parameters;
}

// ---- Keys, origins, subprotocols ---------------------------------------------------------------

Result<std::string> make_key() {
  std::array<std::byte, 16> bytes{};
  if (const Result<> made = random_bytes(bytes); !made) return fail(made.error());
  return base64({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
}

bool is_key(std::string_view text) noexcept {
  if (text.size() != 24 || !text.ends_with("==")) return false;
  return std::ranges::all_of(text.substr(0, 22), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  });
}

std::string accept_of(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  return base64(std::span(digest).first(size));
}

bool is_origin_allowed(std::string_view origin, std::string_view authority,
                       std::string_view allowed) noexcept {
  if (!trimmed(allowed).empty()) {
    for (std::string_view one = next_element(allowed); !one.empty(); one = next_element(allowed)) {
      if (one == "*" || equal_ignoring_case(one, origin)) return true;
    }
    return false;
  }
  const std::size_t host = origin.find("://");
  if (host == origin.npos) return false;  // `null`
  const std::string_view scheme = origin.substr(0, host);
  const auto without_port = [&](std::string_view of) {
    const std::string_view usual = equal_ignoring_case(scheme, "https") ? ":443" : ":80";
    if (of.ends_with(usual)) of.remove_suffix(usual.size());
    return of;
  };
  return equal_ignoring_case(without_port(origin.substr(host + 3)), without_port(authority));
}

std::string choose_subprotocol(std::string_view ours, std::string_view theirs) {
  for (std::string_view one = next_element(ours); !one.empty(); one = next_element(ours)) {
    if (lists(theirs, one)) return std::string(one);
  }
  return {};
}

// ---- Request and answer ------------------------------------------------------------------------

Answer answer_to(const http::Fields& request, std::string_view authority,
                 const WebSocketOptions& options) {
  const auto refuse = [](http::Status status, const char* why) {
    Answer answer;
    answer.status = status;
    answer.why = why;
    return answer;
  };
  if (!request.lists("Upgrade", "websocket") || !request.lists("Connection", "upgrade")) {
    return refuse(http::Status::upgrade_required, "only WebSocket is spoken here");
  }
  if (request.count("Sec-WebSocket-Version") != 1 ||
      *request.get("Sec-WebSocket-Version") != "13") {
    return refuse(http::Status::upgrade_required, "version 13 of WebSocket is spoken here");
  }
  if (request.count("Sec-WebSocket-Key") != 1 || !is_key(*request.get("Sec-WebSocket-Key"))) {
    return refuse(http::Status::bad_request, "Sec-WebSocket-Key is not 16 bytes in base64");
  }
  if (request.count("Origin") > 1) {
    return refuse(http::Status::bad_request, "there is more than one Origin");
  }
  const std::optional<std::string_view> origin = request.get("Origin");
  if (origin && !is_origin_allowed(*origin, authority, options.origins)) {
    return refuse(http::Status::forbidden, "pages of this origin may not connect");
  }
  const std::string theirs = request.all("Sec-WebSocket-Protocol");
  for (std::string_view list = theirs, one = next_element(list); !one.empty();
       one = next_element(list)) {
    if (!is_token(one)) return refuse(http::Status::bad_request, "a subprotocol is no token");
  }
  Answer answer;
  answer.accept = accept_of(*request.get("Sec-WebSocket-Key"));
  answer.subprotocol = choose_subprotocol(options.subprotocols, theirs);
  if (options.compression) {
    answer.deflate = choose_deflate(request.all("Sec-WebSocket-Extensions"), options);
  }
  return answer;
}

Agreement agree(const http::Fields& answer, std::string_view key, const WebSocketOptions& options) {
  Agreement agreement;
  const auto refuse = [&](const char* why) {
    agreement.fault = why;
    return agreement;
  };
  if (answer.count("Upgrade") != 1 || !equal_ignoring_case(*answer.get("Upgrade"), "websocket")) {
    return refuse("the answer does not say Upgrade: websocket");
  }
  if (!answer.lists("Connection", "upgrade")) {
    return refuse("the answer does not say Connection: Upgrade");
  }
  if (answer.count("Sec-WebSocket-Accept") != 1 ||
      *answer.get("Sec-WebSocket-Accept") != accept_of(key)) {
    return refuse("Sec-WebSocket-Accept does not answer our key");
  }
  const std::string extensions = answer.all("Sec-WebSocket-Extensions");
  if (!trimmed(extensions).empty()) {
    if (!options.compression) return refuse("the server chose an extension that was not offered");
    agreement.deflate = accept_deflate(extensions, options);
    if (!agreement.deflate) return refuse("the server's extension is not as it was offered");
  }
  if (answer.count("Sec-WebSocket-Protocol") > 1)
    return refuse("the server chose two subprotocols");
  if (const std::optional<std::string_view> chosen = answer.get("Sec-WebSocket-Protocol")) {
    if (!lists(options.subprotocols, *chosen)) {
      return refuse("the server chose a subprotocol that was not offered");
    }
    agreement.subprotocol = *chosen;
  }
  return agreement;
}

}  // namespace ieum::websocket::detail
