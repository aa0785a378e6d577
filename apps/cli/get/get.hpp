// `ieum get`: asks HTTP servers, writes what they answer, and says what happened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ieum/http/client.hpp>

#include "connect/proxy.hpp"
#include "session/common_options.hpp"
#include "subcommand.hpp"

namespace ieum::cli {

/// What a request carries, and which option said so.
enum class BodyKind : std::uint8_t { none, data, json, form, upload };

/// What goes to the output.
enum class Shown : std::uint8_t { body, head, all, status };

/// How `--events` writes an event.
enum class EventForm : std::uint8_t { none, data, json };

struct GetCommand {
  /// What is of every command; `output_path` is that of -o.
  CommonOptions common{};
  std::vector<std::string> urls{};  ///< whole ones

  // The request.
  std::string method{};                ///< empty: GET, or what goes with the content
  std::vector<std::string> headers{};  ///< `NAME: VALUE` or `@FILE`
  BodyKind body_kind = BodyKind::none;
  std::string body{};               ///< a text, `@FILE` or `@-`; of an upload the name of a file
  std::vector<std::string> form{};  ///< `NAME=VALUE` or `NAME=@FILE`
  bool multipart = false;
  std::string type{};                ///< of the content; empty: what goes with it
  std::vector<std::string> query{};  ///< `NAME=VALUE`
  std::string basic{};               ///< where USER:PASSWORD stands
  std::string bearer{};              ///< where a token stands

  // The output.
  bool by_name = false;     ///< -O
  std::string directory{};  ///< of -O
  bool overwrites = false;
  bool resumes = false;
  bool shows_progress = true;
  std::string range{};  ///< `0-99`
  Shown shown = Shown::body;
  EventForm events = EventForm::none;
  bool takes_any_status = false;

  // Trying.
  int retries = 0;
  Duration deadline{};  ///< of each URL; zero: none
  int redirects = 0;    ///< that are followed
  std::optional<Proxy> proxy{};
  std::string via{};
  std::vector<std::string> hosts{};  ///< `HOST:PORT:ADDRESS`
  std::optional<Address> source{};
  TlsSettings tls{};
  bool shows_timing = false;
};

[[nodiscard]] Parsed<GetCommand> parse_get(const GivenOptions& given,
                                           const Environment& environment);
[[nodiscard]] std::vector<OptionSpec> get_options();
[[nodiscard]] ManualText get_manual();

/// Asks for each URL; gives the exit status: that of the first that failed.
[[nodiscard]] Task<int> run_get(const GetCommand& command, Log& log);

/// A place of --resolve: `HOST:PORT:ADDRESS`.
struct PlaceOfHost {
  std::string host;
  std::uint16_t port = 0;
  Address address{};
};
[[nodiscard]] Parsed<PlaceOfHost> parse_place(std::string_view text);

/// The last part of a URL's path as the name of a file: decoded, in no other folder and not hidden.
/// Empty if there is none.
[[nodiscard]] std::string file_name_of(const http::Url& url);

}  // namespace ieum::cli
