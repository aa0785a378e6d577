// The client with other people's servers: Python's http.server, Node's http, nginx if it is there.
#include <ieum/http/client.hpp>

#include <sys/stat.h>

#include <fstream>

#include "http/scripted_server.hpp"
#include "http/talk.hpp"
#include "support/child.hpp"
#include "support/files.hpp"
#include "support/network_namespace.hpp"
#include "support/servers.hpp"

namespace ieum::test {
namespace {

using http::Client;
using http::Content;
using http::ContentWriter;
using http::Reply;
using http::Status;

std::string url_of(std::uint16_t port, std::string_view path) {
  return "http://127.0.0.1:" + std::to_string(port) + std::string(path);
}

void write_file(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

Task<> fetch_files(std::uint16_t port, std::string large) {
  Client client;
  for (int i = 0; i < 3; ++i) {
    const std::string small = co_await get_text(client, url_of(port, "/small.txt"));
    EXPECT_EQ(small, "small\n");
    const std::string got = co_await get_text(client, url_of(port, "/large.bin"));
    EXPECT_EQ(got.size(), large.size());
    EXPECT_TRUE(got == large);
    Reply none = co_await client.get(url_of(port, "/none"));
    EXPECT_EQ(none.status(), Status::not_found);
    Reply folder = co_await client.get(url_of(port, "/folder"));
    EXPECT_EQ(folder.status(), Status::ok);
    EXPECT_EQ(folder.redirects(), 1);
    Reply head = co_await client.head(url_of(port, "/large.bin"));
    EXPECT_EQ(head.field("content-length"), std::to_string(large.size()));
  }
}

struct ServedFolder {
  ServedFolder() {
    write_file(folder.path("small.txt"), "small\n");
    for (std::size_t i = 0; i < 1'000'000; ++i) large += static_cast<char>('a' + i * i % 26);
    write_file(folder.path("large.bin"), large);
    EXPECT_EQ(::mkdir(folder.path("folder").c_str(), 0755), 0);
    write_file(folder.path("folder/index.html"), "<p>index</p>\n");
  }
  TemporaryDirectory folder;
  std::string large;
};

TEST(HttpClientPeers, python_http_server) {
  NEEDS("python3", "python3");
  const ServedFolder served;
  const std::string program =
      "import functools, http.server, sys\n"
      "handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[2])\n"
      "http.server.SimpleHTTPRequestHandler.protocol_version = sys.argv[1]\n"
      "server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)\n"
      "print(server.server_address[1], flush=True)\n"
      "server.serve_forever()\n";
  for (const char* protocol : {"HTTP/1.0", "HTTP/1.1"}) {
    Child server({"python3", "-c", program, protocol, served.folder.path("")});
    const auto at = static_cast<std::uint16_t>(std::stoul(server.read_until("\n")));
    expect_success(fetch_files(at, served.large));
  }
}

TEST(HttpClientPeers, node_echoes_every_content) {
  NEEDS("node", "nodejs");
  const std::string program =
      "const http = require('http'), zlib = require('zlib');\n"
      "const server = http.createServer((q, r) => {\n"
      "  const parts = [];\n"
      "  q.on('data', part => parts.push(part));\n"
      "  q.on('end', () => {\n"
      "    const body = Buffer.concat(parts);\n"
      "    r.setHeader('X-Method', q.method);\n"
      "    r.setHeader('X-Trailer', q.trailers['x-sum'] || '');\n"
      "    if (q.url == '/gzip') { r.setHeader('Content-Encoding', 'gzip'); "
      "r.end(zlib.gzipSync(body)); }\n"
      "    else if (q.url == '/br') { r.setHeader('Content-Encoding', 'br'); "
      "r.end(zlib.brotliCompressSync(body)); }\n"
      "    else if (q.url == '/deflate') { r.setHeader('Content-Encoding', 'deflate'); "
      "r.end(zlib.deflateSync(body)); }\n"
      "    else if (q.url == '/trailers') { r.setHeader('Trailer', 'X-End'); r.write(body);\n"
      "      r.addTrailers({'X-End': 'yes'}); r.end(); }\n"
      "    else r.end(body);\n"
      "  });\n"
      "});\n"
      "server.on('checkContinue', (q, r) => { r.writeContinue(); server.emit('request', q, r); "
      "});\n"
      "server.listen(0, '127.0.0.1', () => console.log(server.address().port));\n";
  Child server({"node", "-e", program});
  const auto port = static_cast<std::uint16_t>(std::stoul(server.read_until("\n")));
  std::string large;
  for (std::size_t i = 0; i < 500'000; ++i) large += static_cast<char>('a' + i * i % 26);
  auto write = [&large](ContentWriter& writer) -> Task<> {
    co_await writer.write(large);
    if (!writer.add_trailer("X-Sum", "500000")) co_return;
  };
  auto ask = [&]() -> Task<> {
    Client client;
    for (const char* path : {"/", "/gzip", "/deflate", "/trailers", "/br"}) {
      http::RequestOptions options;
      options.expect_continue = true;
      Reply reply = co_await client.post(url_of(port, path), Content::bytes(large), options);
      std::string got = co_await reply.body().text();
      const bool is_coded = reply.fields().has("content-encoding");  // built without the library
      EXPECT_TRUE(is_coded || got == large) << path;
      if (path == std::string_view("/trailers")) {
        EXPECT_EQ(reply.body().trailers().get("x-end"), "yes");
      }
      Content content = Content::stream("text/plain", write);
      Reply chunked = co_await client.request("REPORT", url_of(port, path), std::move(content));
      got = co_await chunked.body().text();
      EXPECT_TRUE(is_coded || got == large) << path;
      EXPECT_EQ(chunked.field("x-method"), "REPORT");
      EXPECT_EQ(chunked.field("x-trailer"), "500000");
    }
    EXPECT_EQ(client.idle_connections(), 1);
  };
  expect_success(ask());
}

TEST(HttpClientPeers, nginx) {
  NEEDS_SERVER(nginx);
  const ServedFolder served;
  const std::uint16_t port = free_port();
  const TemporaryDirectory own;
  write_file(own.path("nginx.conf"),
             "daemon off; master_process off; pid " + own.path("pid") +
                 "; error_log stderr;\n"
                 "events {}\nhttp { access_log off; gzip on; gzip_types *; gzip_min_length 1;\n"
                 "client_body_temp_path " +
                 own.path("b") + "; proxy_temp_path " + own.path("p") + "; fastcgi_temp_path " +
                 own.path("f") + "; uwsgi_temp_path " + own.path("u") + "; scgi_temp_path " +
                 own.path("s") + ";\nserver { listen 127.0.0.1:" + std::to_string(port) +
                 "; root " + served.folder.path("") + "; } }\n");
  Child server({find_nginx(), "-e", "stderr", "-p", own.path(""), "-c", own.path("nginx.conf")},
               Input::nothing());
  wait_until_listening(port);
  auto ask = [&]() -> Task<> {
    Client client;
    for (int i = 0; i < 3; ++i) {
      const std::string small = co_await get_text(client, url_of(port, "/small.txt"));
      EXPECT_EQ(small, "small\n");
      const std::string got = co_await get_text(client, url_of(port, "/large.bin"));
      EXPECT_TRUE(got == served.large);
    }
    EXPECT_EQ(client.idle_connections(), 1);
  };
  expect_success(ask());
}

}  // namespace
}  // namespace ieum::test
