// The declaration of `ieum cast`, and its manual.
#include <utility>

#include "options/declaration_parts.hpp"

namespace ieum::cli {

CastDeclaration::CastDeclaration() : app("send one to many, or receive what is sent so", "cast") {
  constexpr const char* way_group = "Sending and receiving";
  app.add_flag("-r,--receive", receive,
               "Join the group and write what comes to standard output; at the end, and once a "
               "second on a terminal, report what was lost.")
      ->disable_flag_override()
      ->group(way_group);
  app.add_flag("--rtp", rtp,
               "Number and stamp what is sent as RTP (RFC 3550), with RTCP on the next port, so "
               "that stock players can play it. With --receive: read that; put it in order, leave "
               "out duplicates, and end when the sender says goodbye.")
      ->disable_flag_override()
      ->group(way_group);
  app.add_option("--rate", rate,
                 "Send so many bits a second, headers of RTP included: 300k, 50M, 1.5G. Default: "
                 "as fast as our input comes, which loses what receivers have no room for.")
      ->type_name("BITS")
      ->group(way_group);
  app.add_option("--payload-type", payload_type,
                 "Of RTP, default 33: MPEG-TS (RFC 3551). Timestamps count 90000 a second.")
      ->type_name("N")
      ->group(way_group);
  app.add_option("-i,--idle", given.idle,
                 "With --receive: end when nothing has come for so long, with status 28.")
      ->type_name("TIME")
      ->group(way_group);
  declare_address(app, given, way_group);
  declare_framing(app, given,
                  "Bytes of payload in each datagram, default 1316: seven packets of MPEG-TS. "
                  "Fewer go when our input pauses, or streams.");
  declare_output(app, given);
}

Manual cast_manual() {
  const CastDeclaration declaration;
  Manual manual{.name = "ieum cast",
                .purpose = declaration.app.get_description(),
                .synopsis = "ieum cast [OPTION...] ADDRESS"};
  manual.sections.push_back(
      {.title = "Description",
       .paragraphs = {
           "Sends standard input as datagrams to a group, or to all of a network: one to many. "
           "Nobody tells us who receives, and nothing is sent twice.",
           "With --receive, writes what comes to standard output until Ctrl-C, -i, or with --rtp "
           "the sender's goodbye, and then reports packets, bytes, and what this machine dropped "
           "because its receive queue was full; with --rtp also what was lost between the first "
           "and the last packet that came, duplicates, packets that came after a higher number "
           "(RFC 4737) and the jitter (RFC 3550). What is missing is waited for until 64 packets "
           "behind it have come, or for 100 ms."}});
  for (ManualSection& section : option_sections(declaration.app)) {
    manual.sections.push_back(std::move(section));
  }
  ManualSection addresses{.title = "Addresses"};
  addresses.paragraphs = {
      "Options of the socket itself follow its address as ?key=value, several with & between "
      "them: 'mcast://239.1.2.3:5000?if=eth0&ttl=8'."};
  addresses.entries = {
      {"mcast://GROUP:PORT",
       "A multicast group: 224.0.0.0 to 239.255.255.255, or IPv6, as [ff02::1234]:5000. Any "
       "number of receivers on one machine may share it."},
      {"udp://HOST:PORT",
       "A broadcast address, as udp://192.0.2.255:5000, or a single host. With --receive: an "
       "address of ours; :PORT is all of them."}};
  add_keys(addresses, Role::cast);
  manual.sections.push_back(std::move(addresses));
  manual.sections.push_back(exit_statuses(Role::cast));
  manual.sections.push_back(
      {.title = "Examples",
       .entries = {
           {"ieum cast mcast://239.1.2.3:5000?ttl=4", "What is typed goes to all who listen."},
           {"ieum cast --receive mcast://239.1.2.3:5000", "Be one of them."},
           {"ieum cast --rtp --rate 8M mcast://239.1.2.3:5000 < film.ts",
            "A film for any number of viewers: ffplay rtp://239.1.2.3:5000, or"},
           {"ieum cast --receive --rtp mcast://239.1.2.3:5000 | ffplay -",
            "the same, with a report of what the network did."},
           {"ieum cast --receive --rtp --json -o film.ts mcast://239.1.2.3:5000",
            "Record it; the report as JSON."},
           {"date | ieum cast udp://255.255.255.255:5000", "To all of this network."}}});
  manual.sections.push_back(
      {.title = "See also", .paragraphs = {"ieum(1), ieum-connect(1), ieum-listen(1), udp(7)"}});
  return manual;
}

}  // namespace ieum::cli
