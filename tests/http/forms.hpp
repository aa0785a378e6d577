// Requests that could be read in two ways.
#pragma once

#include <string_view>

namespace ieum::test {

using namespace std::string_view_literals;

/// A request that could be read in two ways, and the status that it gets.
struct Form {
  std::string_view text;
  std::string_view status;
};

/// Each is followed by a request for /poison, which must not be seen; in the bodies, too.
inline constexpr Form ambiguous_forms[] = {
    // Length and chunks.
    {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\n",
     "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n"
     "0\r\n\r\n",
     "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 44\r\nContent-Length: 0\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 0\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0x0\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length : 0\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n 0\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nContent_Length: 0\r\n Content-Length: 0\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 00000000000000000000\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "501"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
     "identity\r\n\r\n0\r\n\r\n",
     "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b"
     "chunked\r\n\r\n0\r\n\r\n",
     "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    {"POST /a HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    {"POST /a HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "400"},
    // Within chunks.
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\n\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;\nx\r\na\r\n0\r\n\r\n",
     "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab0\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000000\r\n\r\n",
     "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000001\r\na\r\n"
     "0\r\n\r\n",
     "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: "
     "44\r\n\r\n",
     "400"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTransfer-Encoding: "
     "chunked\r\n\r\n",
     "400"},
    // Lines, names and targets.
    {"GET /a HTTP/1.1\nHost: a\n\n", "400"},
    {"GET /a HTTP/1.1\r\nHost: a\r\n\n", "400"},
    {"GET /a HTTP/1.1\r\n\r\n", "400"},
    {"GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
    {"GET /a HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", "400"},
    {"GET /a HTTP/1.1\r\nHost: a\r\nX\0: y\r\n\r\n"sv, "400"},
    {"GET /a HTTP/2.0\r\nHost: a\r\n\r\n", "505"},
    {"GET /a HTTP/0.9\r\nHost: a\r\n\r\n", "505"},
    {"GET /a\r\nHost: a\r\n\r\n", "400"},
    {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"GET /a  HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"GET /a HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", "417"},
};

}  // namespace ieum::test
