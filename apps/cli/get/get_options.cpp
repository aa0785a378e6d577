// What `ieum get` can be told, and its manual.
#include <fmt/format.h>

#include "get/get.hpp"
#include "help/common_sections.hpp"

namespace ieum::cli {

namespace {

constexpr std::string_view request_group = "Request";
constexpr std::string_view output_group = "Output";
constexpr std::string_view way_group = "Connection";

void add_request_options(std::vector<OptionSpec>& all) {
  all.push_back({.names = "-X,--method",
                 .value = "METHOD",
                 .group = request_group,
                 .help = "Use METHOD. Default: GET; POST with content; PUT with -T."});
  all.push_back({.names = "-I,--head",
                 .group = request_group,
                 .help = "Ask for the head alone (HEAD), and write it."});
  all.push_back({.names = "-H,--header",
                 .value = "FIELD",
                 .group = request_group,
                 .help = "Send this header field, 'NAME: VALUE'; as @FILE, each line of FILE, so "
                         "that nobody on this machine sees it. May be repeated.",
                 .may_repeat = true});
  all.push_back({.names = "-d,--data",
                 .value = "TEXT",
                 .group = request_group,
                 .help = "Send TEXT as the content, as it is; @FILE sends a file, @- standard "
                         "input. Its type is application/x-www-form-urlencoded unless --type says "
                         "otherwise."});
  all.push_back({.names = "--json",
                 .value = "TEXT",
                 .group = request_group,
                 .help = "The same as application/json, and accept that as the answer."});
  all.push_back({.names = "-F,--form",
                 .value = "NAME=VALUE",
                 .group = request_group,
                 .help = "Send a form with this field, encoded as browsers do it; NAME=@FILE sends "
                         "a file, and the form as multipart/form-data. May be repeated.",
                 .may_repeat = true});
  all.push_back({.names = "--multipart",
                 .group = request_group,
                 .help = "Send the form of -F as multipart/form-data in any case."});
  all.push_back({.names = "-T,--upload",
                 .value = "FILE",
                 .group = request_group,
                 .help = "Send FILE (-: standard input) by PUT. If the URL ends with a slash, the "
                         "name of FILE is put behind it."});
  all.push_back({.names = "--type",
                 .value = "TYPE",
                 .group = request_group,
                 .help = "What the content is, as text/csv."});
  all.push_back({.names = "--query",
                 .value = "NAME=VALUE",
                 .group = request_group,
                 .help = "Add this to the URL's query, encoded. May be repeated.",
                 .may_repeat = true});
  all.push_back({.names = "--auth",
                 .value = "FILE",
                 .group = request_group,
                 .help = "Tell the server USER:PASSWORD (Basic), the first line of FILE; env:NAME "
                         "takes it from the environment. Not sent to other hosts by redirects."});
  all.push_back({.names = "--bearer",
                 .value = "FILE",
                 .group = request_group,
                 .help = "The same with a token (Bearer)."});
}

void add_output_options_of_get(std::vector<OptionSpec>& all) {
  all.push_back({.names = "-o,--output",
                 .value = "FILE",
                 .group = output_group,
                 .help = "Write the body to FILE, which is there once it is whole: until then it "
                         "is FILE.part."});
  all.push_back({.names = "-O,--save",
                 .group = output_group,
                 .help = "The same by the URL's own name for it, in this folder, and over no file "
                         "that is there."});
  all.push_back({.names = "--dir",
                 .value = "DIRECTORY",
                 .group = output_group,
                 .help = "With -O: in this folder instead."});
  all.push_back({.names = "--overwrite",
                 .group = output_group,
                 .help = "With -O: also over a file that is there."});
  all.push_back({.names = "--resume",
                 .group = output_group,
                 .help = "Go on with the FILE.part that an earlier run has left, if the server "
                         "says that its file is still the same; else begin anew."});
  all.push_back({.names = "-r,--range",
                 .value = "RANGE",
                 .group = output_group,
                 .help = "Ask for these bytes alone: 0-99, 100- or -100 (the last ones)."});
  all.push_back({.names = "--print",
                 .value = "body|head|all|status",
                 .group = output_group,
                 .help = "What is written: the body (the default), the answer's head, both, or "
                         "the number of its status.",
                 .choices = {"body", "head", "all", "status"}});
  all.push_back({.names = "--events",
                 .value = "data|json",
                 .group = output_group,
                 .help = "Write server-sent events as they come: their data, each with a line "
                         "end, or a JSON object a line. With --retry a broken stream goes on "
                         "behind the last event that has come.",
                 .choices = {"data", "json"}});
  all.push_back({.names = "--any-status",
                 .group = output_group,
                 .help = "Take an HTTP error for a success, and its body for any other."});
  all.push_back(
      {.names = "-q,--quiet", .group = output_group, .help = "Show no progress on a terminal."});
}

void add_connection_options(std::vector<OptionSpec>& all) {
  all.push_back({.names = "--retry",
                 .value = "N",
                 .group = way_group,
                 .help = "After a failure that may pass (no connection, one that broke, no answer "
                         "in time, status 408, 429, 500, 502, 503 or 504) try again up to N "
                         "times, 1, 2, 4… s apart or as long as Retry-After asks, at most 5 "
                         "minutes. What may not be done twice (POST, PATCH) is sent again only if "
                         "the server has not taken it. A download goes on where it broke."});
  all.push_back({.names = "-w,--wait",
                 .value = "TIME",
                 .group = way_group,
                 .help = "Give up when there is no connection within TIME, name lookup and TLS "
                         "included. Default: 15 s."});
  all.push_back(
      {.names = "--idle",
       .value = "TIME",
       .group = way_group,
       .help = "Give up when nothing comes for TIME. Default: 60 s; with --events never."});
  all.push_back({.names = "--deadline",
                 .value = "TIME",
                 .group = way_group,
                 .help = "Give up a URL after TIME, whatever has been done."});
  all.push_back({.names = "--redirects",
                 .value = "N",
                 .group = way_group,
                 .help = "Follow at most N redirects, 0: none. Default: 10. From https to http "
                         "none is followed."});
  all.push_back({.names = "--proxy",
                 .value = "URL",
                 .group = way_group,
                 .help = "Ask through this proxy: http://HOST:PORT, or socks5://HOST:PORT, which "
                         "looks up the names. No proxy is taken from the environment."});
  all.push_back({.names = "--proxy-auth",
                 .value = "FILE",
                 .group = way_group,
                 .help = "Tell the proxy USER:PASSWORD, the first line of FILE; env:NAME takes it "
                         "from the environment. Default: env:IEUM_PROXY_AUTH, if that is there."});
  all.push_back({.names = "--via",
                 .value = "ADDRESS",
                 .group = way_group,
                 .help = "Connect to this address, whatever host the URL has: unix:/run/app.sock, "
                         "127.0.0.1:8080."});
  all.push_back({.names = "--resolve",
                 .value = "HOST:PORT:IP",
                 .group = way_group,
                 .help = "Do not look up HOST: it is at IP. For any port: HOST:*:IP. May be "
                         "repeated.",
                 .may_repeat = true});
  add_family_options(all, way_group);
  all.push_back({.names = "--source",
                 .value = "ADDRESS",
                 .group = way_group,
                 .help = "Connect from this local address, and port if there is one."});
}

void add_diagnostics(std::vector<OptionSpec>& all) {
  all.push_back({.names = "-v,--verbose",
                 .group = diagnostics_group,
                 .help = "Report each step on standard error: looking up the name, connecting, "
                         "TLS, the lines of the request and of the answer, and how long each took. "
                         "Credentials are left out. Twice (-vv): also the system calls."});
  all.push_back({.names = "--timing",
                 .group = diagnostics_group,
                 .help = "Show on standard error how long each step took, as a table with bars."});
  all.push_back({.names = "--json-log",
                 .group = diagnostics_group,
                 .help = "Report events and errors on standard error as JSON, one object per line; "
                         "docs/events.md describes them."});
}

ManualSection statuses() {
  ManualSection section = exit_status_section(Role::connect);
  section.entries = {
      {"0", "Success: the whole answer has come, with a status below 400."},
      {"1",
       "A local failure: a file that cannot be written, a full disk; or the answer is not one "
       "that was asked for."},
      {"2", "The command line is wrong."},
      {"6", "The name was not found."},
      {"7", "No connection: refused, no route to the host, or a proxy that refuses."},
      {"18",
       "The answer was cut short: its end is missing, whether the connection ended or was reset. "
       "What came is kept as FILE.part."},
      {"22", "An HTTP error: status 400 or above, unless --any-status."},
      {"28", "Timed out: --wait, --idle, --deadline."},
      {"35", "TLS's handshake failed."},
      {"47", "More redirects than are followed."},
      {"56", "The connection broke before an answer came, or what came is no HTTP."},
      {"60", "The server's certificate was found wrong."},
      {"129, 130, 143", "Ended by SIGHUP, by Ctrl-C, or by SIGTERM."}};
  section.paragraphs.emplace_back("Of several URLs, the first failure decides.");
  return section;
}

}  // namespace

std::vector<OptionSpec> get_options() {
  std::vector<OptionSpec> all;
  add_request_options(all);
  add_output_options_of_get(all);
  add_connection_options(all);
  add_tls_options(all, Role::connect);
  // HTTP/1.1 is what it speaks, and the URL says whom it asks.
  std::erase_if(all, [](const OptionSpec& one) {
    return one.names == "--alpn" || one.names == "--servername";
  });
  add_diagnostics(all);
  return all;
}

ManualText get_manual() {
  return {
      .description =
          {"Asks for each URL by HTTP/1.1, and writes the bodies of the answers to standard "
           "output, or to files. URLs of one host share a connection. A URL without a scheme is "
           "one "
           "of http; :PORT means localhost:PORT.",
           "Redirects are followed, coded answers (gzip, deflate, br) decoded unless they go to a "
           "file. On a terminal a download shows its progress."},
      .sections =
          {statuses(),
           {.title = "Examples",
            .entries =
                {{"ieum get example.com", "Write a page to standard output."},
                 {"ieum get -O https://example.com/film.mp4", "Save it as film.mp4."},
                 {"ieum get -O --resume --retry 10 https://example.com/film.mp4",
                  "Go on with what an interrupted download has left, and again if it breaks."},
                 {"ieum get -I https://example.com", "Look at the answer's head."},
                 {"ieum get --json '{\"name\": \"Mina\"}' :8080/users", "Send JSON by POST."},
                 {"jq .user data.json | ieum get --json @- -X PUT :8080/users/7",
                  "Send what a program writes."},
                 {"ieum get -F name=Mina -F photo=@mina.jpg :8080/users",
                  "Send a form with a file."},
                 {"ieum get -T report.pdf :8080/incoming/", "Send a file to 'ieum serve'."},
                 {"ieum get --query 'q=sockets in C++' https://example.com/search",
                  "Ask with a query."},
                 {"ieum get --bearer env:TOKEN https://api.example.com/me",
                  "Use a token that nobody sees on the command line."},
                 {"ieum get --print status :8080/health", "Write 200, say; for monitoring."},
                 {"ieum get -v --timing https://example.com > /dev/null",
                  "See each step, and how long it took."},
                 {"ieum get --events data :8080/progress", "Watch server-sent events."},
                 {"ieum get --via unix:/run/docker.sock http://docker/version",
                  "Ask a server on a Unix socket."},
                 {"ieum get --resolve example.com:443:192.0.2.7 https://example.com",
                  "Ask one of several servers."},
                 {"ieum get --proxy socks5://localhost:1080 https://example.com",
                  "Ask through an SSH session, 'ssh -D 1080 HOST'."},
                 {"ieum get --ca authority.pem https://localhost:8443",
                  "Ask a server under development (ieum certificate)."}}},
           {.title = "Environment",
            .entries = {{"IEUM_PROXY_AUTH",
                         "USER:PASSWORD for --proxy, unless --proxy-auth names a file."}}}},
      .see_also = "curl(1)"};
}

}  // namespace ieum::cli
