// nginx, beside which ours are tested: where it is, and one that runs.
#pragma once

#include <sys/stat.h>

#include <fstream>
#include <string>

#include "support/child.hpp"
#include "support/files.hpp"
#include "support/servers.hpp"

namespace ieum::test {

/// One that runs in the foreground, in a directory of its own.
struct Nginx {
  Nginx(const std::string& program, const std::string& servers)
      : configuration(
            "daemon off; master_process off; pid " + directory.path("pid") +
            "; error_log stderr; events { worker_connections 64; } http { access_log off; "
            "client_body_temp_path " +
            directory.path("body") + "; proxy_temp_path " + directory.path("proxy") +
            "; fastcgi_temp_path " + directory.path("fastcgi") + "; uwsgi_temp_path " +
            directory.path("uwsgi") + "; scgi_temp_path " + directory.path("scgi") + "; " +
            servers + " }"),
        child({program, "-e", "stderr", "-p", directory.path(""), "-c", configuration.path()},
              Input::nothing()) {}
  TemporaryDirectory directory;
  TemporaryFile configuration;
  Child child;
};

#define NEEDS_NGINX(program) \
  NEEDS_SERVER(nginx);       \
  const std::string program = find_nginx()

/// A server of `nginx`'s with TLS on `port`: the certificate of the tests, and `more`.
inline std::string nginx_tls_server(std::uint16_t port, const std::string& certificate,
                                    const std::string& key, const std::string& more) {
  return "server { listen 127.0.0.1:" + std::to_string(port) + " ssl; ssl_certificate " +
         certificate + "; ssl_certificate_key " + key + "; " + more + " }";
}

/// A directory with a page that nginx, which may run as somebody else, can read.
struct NginxRoot {
  explicit NginxRoot(const std::string& page) {
    std::ofstream(directory.path("page")) << page;
    ::chmod(directory.path("").c_str(), 0755);
  }
  TemporaryDirectory directory;
};

}  // namespace ieum::test
