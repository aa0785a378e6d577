// Other people's servers: where they are.
#include "support/servers.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "support/child.hpp"
#include "support/files.hpp"
#include "support/network_namespace.hpp"

namespace ieum::test {

namespace {

/// Gives a script that runs the program with the libraries that came with it.
std::string unpack(const TemporaryDirectory& directory, const std::string& name,
                   const std::string& packages) {
  if (!has_program("apt-get") || !has_program("dpkg")) return {};
  Child child({"sh", "-c",
               "cd \"$1\" && apt-get -q download $2 && for one in *.deb; do dpkg -x $one .; done",
               "sh", directory.path(""), packages});
  child.close_input();
  child.wait();
  const std::string program = directory.path("usr/sbin/" + name);
  if (!std::filesystem::exists(program)) return {};
  std::string script = directory.path(name);
  std::ofstream(script) << "#!/bin/sh\nLD_LIBRARY_PATH=\"$(echo " << directory.path("usr/lib")
                        << "/*-linux-gnu)\" exec " << program << " \"$@\"\n";
  ::chmod(script.c_str(), 0755);
  Child works({script, "-v"});
  works.close_input();
  return works.wait() == 0 ? script : std::string();
}

}  // namespace

std::string find_server(const std::string& name, const std::string& packages) {
  const std::string installed = "/usr/sbin/" + name;
  if (std::filesystem::exists(installed)) return installed;
  static std::map<std::string, TemporaryDirectory> directories;
  static std::map<std::string, std::string> found;
  const auto [at, is_new] = found.try_emplace(name);
  if (is_new) at->second = unpack(directories[name], name, packages);
  return at->second;
}

std::string find_nginx() { return find_server("nginx", "nginx"); }

std::string find_haproxy() {
  return find_server("haproxy", "haproxy liblua5.3-0 libopentracing-c-wrapper0 libopentracing1");
}

}  // namespace ieum::test
