#include "inspect/holder_text.hpp"

#include <gtest/gtest.h>

#include "inspect/findings.hpp"

namespace ieum::cli {
namespace {

std::string title(const std::string& command_line) {
  return title_of({.name = "name", .command_line = command_line});
}

TEST(TitleOf, AProgramsWords) {
  EXPECT_EQ(title(""), "name");
  EXPECT_EQ(title("/usr/sbin/nginx"), "nginx");
  EXPECT_EQ(title("nc -l 127.0.0.1 7000"), "nc -l 127.0.0.1");
  EXPECT_EQ(title("python3 /srv/server.py --port 7000"), "python3 server.py --port");
}

// What an interpreter runs says more than how it does so.
TEST(TitleOf, AnInterpretersScript) {
  EXPECT_EQ(title("/usr/bin/python3.12 -I -S /srv/server.py 7000"), "python3.12 server.py 7000");
  EXPECT_EQ(title("python3 -X dev -Wd -W error server.py"), "python3 server.py");
  EXPECT_EQ(title("python3 -u -m http.server"), "python3 -m http.server");
  EXPECT_EQ(title("python3 -Im http.server"), "python3 -Im http.server");
  EXPECT_EQ(title("python3 -S -c import"), "python3 -c import");
  EXPECT_EQ(title("python3 -q -i"), "python3 -q -i");
  EXPECT_EQ(title("bash -e -o pipefail run.sh"), "bash run.sh");
  EXPECT_EQ(title("node --inspect --require ./a.js server.js"), "node server.js");
  EXPECT_EQ(title("java -Xmx1g -cp /srv/classes Server"), "java Server");
  EXPECT_EQ(title("java -jar /srv/server.jar"), "java -jar server.jar");
  EXPECT_EQ(title("perl -w -I lib server.pl"), "perl server.pl");
  // These only begin like one.
  EXPECT_EQ(title("pythonista -a -b c"), "pythonista -a -b");
  EXPECT_EQ(title("sh-agent -a -b c"), "sh-agent -a -b");
}

}  // namespace
}  // namespace ieum::cli
