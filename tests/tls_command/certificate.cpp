// `ieum certificate make`: what it makes, what it leaves alone, and that others take it.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "tls_command/tls_command.hpp"

namespace ieum::test {
namespace {

using testing::HasSubstr;

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

::mode_t mode_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777;
}

Said make(const TemporaryDirectory& directory, const Words& words) {
  return run_command(with({"certificate", "make", "-d", directory.path("")}, words));
}

/// What openssl says of a certificate for `name`, of the authority in `directory`.
int openssl_verifies(const TemporaryDirectory& directory, const std::string& file,
                     const std::string& kind, const std::string& name) {
  Child child(
      {"openssl", "verify", "-no-CApath", "-no-CAstore", "-x509_strict", "-CAfile",
       directory.path("authority.pem"), "-purpose", "sslserver", kind, name, directory.path(file)},
      Input::nothing());
  return child.wait();
}

TEST(Certificate, is_made_with_its_authority) {
  const TemporaryDirectory directory;
  const Said said = make(directory, {"app.test", "*.app.test", "127.0.0.1", "::1"});
  EXPECT_EQ(said.status, 0) << said.errors;
  for (const char* key : {"authority.key", "app.test.key"}) {
    EXPECT_EQ(mode_of(directory.path(key)), 0600U);
    EXPECT_THAT(content_of(directory.path(key)), HasSubstr("BEGIN PRIVATE KEY"));
  }
  EXPECT_THAT(said.output, HasSubstr("ieum listen -k --echo --cert "));
  EXPECT_THAT(said.output, HasSubstr("ieum connect --ca "));
  EXPECT_THAT(said.output, HasSubstr("were not touched"));
  NEEDS("openssl", "openssl");
  EXPECT_EQ(openssl_verifies(directory, "app.test.pem", "-verify_hostname", "app.test"), 0);
  EXPECT_EQ(openssl_verifies(directory, "app.test.pem", "-verify_hostname", "a.app.test"), 0);
  EXPECT_EQ(openssl_verifies(directory, "app.test.pem", "-verify_ip", "127.0.0.1"), 0);
  EXPECT_EQ(openssl_verifies(directory, "app.test.pem", "-verify_ip", "::1"), 0);
  EXPECT_NE(openssl_verifies(directory, "app.test.pem", "-verify_hostname", "b.test"), 0);
}

TEST(Certificate, is_served_and_trusted_as_it_says) {
  for (const std::string name : {"app.test", "localhost", "127.0.0.1"}) {
    const TemporaryDirectory directory;
    EXPECT_EQ(make(directory, {name}).status, 0);
    Server server(
        {"-k", "--echo"}, Input::nothing(),
        {"--cert", directory.path(name + ".pem"), "--key", directory.path(name + ".key")});
    const Words connect{"connect", "--ca", directory.path("authority.pem"), "--servername"};
    const Said said = run_command(with(connect, {name, server.url()}), "hello");
    EXPECT_EQ(said.output, "hello") << said.errors;
    EXPECT_EQ(run_command(with(connect, {"other.test", server.url()})).status, 60);
  }
}

/// What a thief of an authority's key could make.
TEST(Certificate, of_its_authority_is_for_no_other_name) {
  NEEDS("openssl", "openssl");
  for (const std::string name : {"app.test", "127.0.0.1"}) {
    const TemporaryDirectory directory;
    EXPECT_EQ(make(directory, {name}).status, 0);
    for (const std::string wanted :
         {"DNS:bank.test", "DNS:notapp.test", "IP:127.0.0.2", "IP:::1", "DNS:test"}) {
      const Said signed_by_thief = [&] {
        Child child({"sh", "-c",
                     "cd \"$1\" && openssl ecparam -name prime256v1 -genkey -noout -out t.key && "
                     "openssl req -new -key t.key -subj /CN=thief -out t.csr && "
                     "printf 'subjectAltName=%s\\n' \"$2\" > t.ext && "
                     "openssl x509 -req -in t.csr -CA authority.pem -CAkey authority.key "
                     "-CAcreateserial -days 1 -extfile t.ext -out t.pem",
                     "sh", directory.path(""), wanted},
                    Input::nothing());
        Said said;
        said.status = child.wait();
        said.errors = child.error_output();
        return said;
      }();
      ASSERT_EQ(signed_by_thief.status, 0) << signed_by_thief.errors;
      const bool is_host = wanted.starts_with("DNS:");
      EXPECT_NE(openssl_verifies(directory, "t.pem", is_host ? "-verify_hostname" : "-verify_ip",
                                 wanted.substr(is_host ? 4 : 3)),
                0)
          << wanted << " by the authority for " << name;
    }
  }
}

TEST(Certificate, replaces_nothing_unless_it_is_asked_to) {
  const TemporaryDirectory directory;
  EXPECT_EQ(make(directory, {"app.test"}).status, 0);
  const std::string authority = content_of(directory.path("authority.pem"));
  const std::string first = content_of(directory.path("app.test.pem"));
  const Said again = make(directory, {"app.test"});
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.errors,
              HasSubstr("app.test.pem' is there already; to replace it, write --force"));
  EXPECT_EQ(content_of(directory.path("app.test.pem")), first);
  EXPECT_EQ(make(directory, {"--force", "app.test"}).status, 0);
  EXPECT_NE(content_of(directory.path("app.test.pem")), first);
  EXPECT_EQ(content_of(directory.path("authority.pem")), authority) << "it is good enough";
}

TEST(Certificate, has_the_authority_that_is_there) {
  const TemporaryDirectory directory;
  EXPECT_EQ(make(directory, {"app.test"}).status, 0);
  const std::string authority = content_of(directory.path("authority.pem"));
  const Said below = make(directory, {"api.app.test"});
  EXPECT_EQ(below.status, 0) << below.errors;
  EXPECT_THAT(below.output, HasSubstr("the authority, as it was"));
  EXPECT_EQ(content_of(directory.path("authority.pem")), authority);
  const Said other = make(directory, {"other.test"});
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.errors, HasSubstr("cannot vouch for other.test: it was made for other names"));
  EXPECT_EQ(make(directory, {"--force", "other.test"}).status, 0);
  EXPECT_NE(content_of(directory.path("authority.pem")), authority);
}

TEST(Certificate, is_not_made_by_half_an_authority_or_a_damaged_one) {
  const TemporaryDirectory directory;
  EXPECT_EQ(make(directory, {"app.test"}).status, 0);
  std::ofstream(directory.path("authority.key")) << "no key";
  EXPECT_THAT(make(directory, {"api.app.test"}).errors, HasSubstr("its key cannot be read"));
  std::filesystem::remove(directory.path("authority.key"));
  const Said half = make(directory, {"api.app.test"});
  EXPECT_EQ(half.status, 1);
  EXPECT_THAT(half.errors, HasSubstr("an authority is a certificate and its key"));
}

TEST(Certificate, says_what_is_wrong_with_its_command_line) {
  EXPECT_THAT(run_command({"certificate"}).errors, HasSubstr("write 'ieum certificate make "));
  EXPECT_THAT(run_command({"certificate", "make"}).errors, HasSubstr("a host's name is missing"));
  for (const char* name :
       {"a b", "*.127.0.0.1", "http://a.test", "a.test:443", "fe80::1%eth0", "*"}) {
    const Said said = run_command({"certificate", "make", name});
    EXPECT_EQ(said.status, 2);
    EXPECT_THAT(said.errors, HasSubstr("is no host's name, *.NAME or IP address")) << name;
  }
  EXPECT_EQ(run_command({"certificate", "make", "--days", "826", "a.test"}).status, 2);
}

TEST(Certificate, cannot_be_made_where_nothing_can_be_written) {
  const Said said = run_command({"certificate", "make", "-d", "/proc/nosuch", "a.test"});
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.errors, HasSubstr("create the directory '/proc/nosuch'"));
}

}  // namespace
}  // namespace ieum::test
