#include "help/common_sections.hpp"

#include <fmt/format.h>

#include <ieum/stream_socket.hpp>

#include "report/failure.hpp"
#include "session/session.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

/// The kinds of addresses that a command takes.
std::uint32_t schemes_of(Role role) {
  const std::uint32_t cast = bit(Scheme::multicast) | bit(Scheme::udp);
  return role == Role::cast ? cast : ~bit(Scheme::multicast);
}

std::string number_of(Status status) { return fmt::format("{}", static_cast<int>(status)); }

}  // namespace

ManualSection addresses_section(Role role) {
  ManualSection section{.title = "Addresses"};
  const bool listens = role == Role::listen;
  section.entries = {
      {"HOST:PORT, tcp://HOST:PORT",
       listens ? std::string("TCP. PORT is a number, or the name of a service, as http. HOST is a "
                             "local address, a name, or * for all addresses; :PORT "
                             "means *:PORT. IPv6 addresses go in brackets: [::1]:80. With port 0 "
                             "the system chooses a port, which is reported.")
               : fmt::format("TCP. PORT is a number, or the name of a service, as http. HOST is a "
                             "name or an address; :PORT means localhost:PORT. IPv6 "
                             "addresses go in brackets: [::1]:80. If a name has several addresses, "
                             "a new attempt starts every {} and the first connection wins (RFC "
                             "8305).",
                             format_duration(ConnectOptions{}.attempt_delay))},
      {"tls://HOST:PORT",
       listens
           ? "TLS over TCP, with the certificate of --cert or --self-signed. The end of input is "
             "told by close_notify, so that the client knows it has got all of it."
           : "TLS over TCP: the server must prove to be HOST, by a certificate of somebody whom "
             "the system trusts. The end of input is told by close_notify; a connection that "
             "ends without the server's is an error, as its end may be missing."},
      {"unix:/PATH, unix:@NAME",
       "A Unix stream socket: a file, or a name in Linux's abstract namespace. Write a space, % or "
       "? as %20, %25 or %3F."},
      {"-", listens ? "Standard input and output are the client, as under inetd."
                    : "Standard input and output are the peer: input is copied to output, through "
                      "--hex, --timestamps and -o."},
      {"fd:N", listens ? "A listening socket inherited as descriptor N: fd:3 under systemd's "
                         "socket activation."
                       : "A connected socket inherited as descriptor N."},
      {"udp://HOST:PORT, unix-dgram:/PATH",
       listens ? "Datagrams over UDP or a Unix socket. The first sender becomes the peer, and "
                 "others are ignored; with -k everyone is received from, and standard input is "
                 "not read. --echo, --discard and --exec work."
               : "Datagrams over UDP or a Unix socket: no connection is made, and they may be "
                 "lost. If a name has several addresses and nobody receives at the first, the next "
                 "is tried."}};
  add_keys(section, role);
  section.paragraphs = {"Socket options follow the address as ?key=value, joined by &: " +
                        std::string(listens ? "'tcp://*:7000?rcvbuf=1M&keepalive=60'."
                                            : "'tcp://example.com:80?ttl=5&nodelay=0'.")};
  return section;
}

void add_keys(ManualSection& section, Role role) {
  for (const KeyInfo& key : keys()) {
    if ((key.roles & bit(role)) == 0) continue;
    const std::uint32_t schemes = key.schemes & schemes_of(role);
    section.entries.push_back(
        {fmt::format("?{}={}", key.name, key.value),
         fmt::format("For {} addresses. {}", scheme_names(schemes), key.meaning)});
  }
}

ManualSection exit_status_section(Role role) {
  ManualSection section{.title = "Exit status"};
  section.entries = {
      {number_of(Status::ok), "Success: both sides have closed."},
      {number_of(Status::other),
       "A local failure: standard input or output, a full disk, too many open files, a port in "
       "use, a command that failed. Or the peer closed before standard input ended (--linger)."},
      {number_of(Status::usage), "The command line is wrong."},
      {number_of(Status::not_resolved), "The name was not found."}};
  if (role != Role::listen) {
    section.entries.push_back(
        {number_of(Status::not_connected),
         "No connection, or no receiver of datagrams: refused, or no route to the host."});
  }
  section.entries.push_back(
      {number_of(Status::timed_out), "Timed out: -w, -i, or the system's own limit."});
  section.entries.push_back(
      {number_of(Status::tls_handshake),
       "TLS's handshake failed: no TLS there, nothing in common, or refused."});
  section.entries.push_back({number_of(Status::broken),
                             "The connection broke, or TLS was cut off: it ended without a "
                             "close_notify."});
  section.entries.push_back(
      {number_of(Status::certificate), "The other end's certificate was found wrong."});
  section.entries.push_back(
      {number_of(Status::hung_up), "Ended by SIGHUP, which does nothing after nohup(1)."});
  section.entries.push_back(
      {fmt::format("{}, {}", number_of(Status::interrupted), number_of(Status::terminated)),
       "Ended by Ctrl-C (SIGINT) or SIGTERM."});
  section.paragraphs = {"Every failure is explained in one sentence on standard error."};
  return section;
}

ManualSection closing_section() {
  return {
      .title = "Closing",
      .paragraphs = {
          "EOF on standard input (Ctrl-D on a terminal) half-closes the connection: the peer sees "
          "EOF, and ieum goes on receiving, without a time limit unless -i sets one. ieum exits "
          "once the peer has closed. If standard output is a pipe, its reader sees EOF at that "
          "point. Input that keeps coming is still sent, so that a file goes through to its end; "
          "an open terminal or a silent pipe does not keep ieum running (--linger).",
          fmt::format("Ctrl-C stops sending, half-closes, receives for at most {}, and prints a "
                      "summary. A second Ctrl-C exits at once.",
                      format_duration(Session::interrupt_grace)),
          "Datagrams have no EOF: after the end of standard input, ieum exits once nothing has "
          "been received for the time of --linger."}};
}

}  // namespace ieum::cli
