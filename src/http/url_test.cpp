// Url: what browsers make of the same text (the cases are those of the URL Standard's rules).
#include <ieum/http/url.hpp>

#include <gtest/gtest.h>

namespace ieum::http {
namespace {

struct Case {
  const char* text;
  const char* url;  ///< null: it is refused
};

constexpr Case absolute[] = {
    // The scheme.
    {"http://example.com", "http://example.com/"},
    {"HTTP://Example.COM/", "http://example.com/"},
    {"https://example.com/a", "https://example.com/a"},
    {"ws://h/chat", "ws://h/chat"},
    {"wss://h/chat", "wss://h/chat"},
    {"ftp://h/", nullptr},
    {"file:///etc/passwd", nullptr},
    {"javascript:alert(1)", nullptr},
    {"httpx://h/", nullptr},
    {"h", nullptr},
    {"", nullptr},
    {"//h/", nullptr},
    {"://h/", nullptr},
    {"1http://h/", nullptr},
    // Slashes, of both kinds and any number.
    {"http:h", "http://h/"},
    {"http:/h", "http://h/"},
    {"http:///h/a", "http://h/a"},
    {"http:\\\\h\\a\\b", "http://h/a/b"},
    {"http://h\\@evil/", "http://h/@evil/"},
    {"http:/\\h/", "http://h/"},
    // What stands round it and in it.
    {"  http://h/a b ", "http://h/a%20b"},
    {"\x01http://h/\x1f", "http://h/"},
    {"ht\ntp://h/\ta\r\nb", "http://h/ab"},
    {"http://h/\x7f", "http://h/%7F"},
    // Ports.
    {"http://h:80/", "http://h/"},
    {"https://h:443/", "https://h/"},
    {"https://h:80/", "https://h:80/"},
    {"ws://h:80/", "ws://h/"},
    {"wss://h:443/", "wss://h/"},
    {"http://h:/", "http://h/"},
    {"http://h:00000080/", "http://h/"},
    {"http://h:0/", "http://h:0/"},
    {"http://h:65535/", "http://h:65535/"},
    {"http://h:65536/", nullptr},
    {"http://h:99999999999999999999/", nullptr},
    {"http://h:-1/", nullptr},
    {"http://h:8 0/", nullptr},
    {"http://h:80a/", nullptr},
    // Credentials.
    {"http://u@h/", "http://u@h/"},
    {"http://u:p@h/", "http://u:p@h/"},
    {"http://:p@h/", "http://:p@h/"},
    {"http://u:@h/", "http://u@h/"},
    {"http://@h/", "http://h/"},
    {"http://:@h/", "http://h/"},
    {"http://a@b@h/", "http://a%40b@h/"},
    {"http://a:b:c@h/", "http://a:b%3Ac@h/"},
    {"http://u;=@h/", "http://u%3B%3D@h/"},
    {"http://good.example@evil.example/", "http://good.example@evil.example/"},
    {"http://u@/", nullptr},
    {"http://u:p@", nullptr},
    // Hosts.
    {"http://", nullptr},
    {"http:///", nullptr},
    {"http://:80/", nullptr},
    {"http://?a", nullptr},
    {"http://EX%41mple.com/", "http://example.com/"},
    {"http://h%2fx/", nullptr},
    {"http://h%00/", nullptr},
    {"http://h%0d%0aHost: x/", nullptr},
    {"http://a b/", nullptr},
    {"http://a<b/", nullptr},
    {"http://a^b/", nullptr},
    {"http://a|b/", nullptr},
    {"http://a%25b/", nullptr},
    {"http://a%zz/", nullptr},
    {"http://a]b/", nullptr},
    {"http://b\xc3\xbc.example/", nullptr},
    {"http://%C3%BC.example/", nullptr},
    {"http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"},
    {"http://a_b.example/", "http://a_b.example/"},
    {"http://example.com./", "http://example.com./"},
    {"http://a..b/", "http://a..b/"},
    // IPv4, in every form that inet_aton knows.
    {"http://127.0.0.1/", "http://127.0.0.1/"},
    {"http://127.0.0.1./", "http://127.0.0.1/"},
    {"http://127.1/", "http://127.0.0.1/"},
    {"http://127.0.1/", "http://127.0.0.1/"},
    {"http://2130706433/", "http://127.0.0.1/"},
    {"http://0x7f000001/", "http://127.0.0.1/"},
    {"http://0X7F.1/", "http://127.0.0.1/"},
    {"http://0177.0.0.01/", "http://127.0.0.1/"},
    {"http://0/", "http://0.0.0.0/"},
    {"http://0x/", "http://0.0.0.0/"},
    {"http://0xffffffff/", "http://255.255.255.255/"},
    {"http://1.65535/", "http://1.0.255.255/"},
    {"http://1.2.65535/", "http://1.2.255.255/"},
    {"http://%31%32%37.0.0.1/", "http://127.0.0.1/"},
    {"http://256/", "http://0.0.1.0/"},
    {"http://4294967296/", nullptr},
    {"http://0x100000000/", nullptr},
    {"http://99999999999999999999999/", nullptr},
    {"http://256.0.0.1/", nullptr},
    {"http://1.2.3.256/", nullptr},
    {"http://1.2.65536/", nullptr},
    {"http://1.16777216/", nullptr},
    {"http://1.2.3.4.5/", nullptr},
    {"http://1..2/", nullptr},
    {"http://08/", nullptr},
    {"http://09.1/", nullptr},
    {"http://foo.0x4/", nullptr},
    {"http://foo.1/", nullptr},
    {"http://1.2.3.0xg/", "http://1.2.3.0xg/"},
    {"http://1.2.3.4a/", "http://1.2.3.4a/"},
    {"http://./", "http://./"},
    // IPv6.
    {"http://[::1]/", "http://[::1]/"},
    {"http://[::1]:8080/", "http://[::1]:8080/"},
    {"http://[::]/", "http://[::]/"},
    {"http://[2001:DB8::1]/", "http://[2001:db8::1]/"},
    {"http://[2001:0db8:0000:0000:0000:0000:0000:0001]/", "http://[2001:db8::1]/"},
    {"http://[1:2:3:4:5:6:7:8]/", "http://[1:2:3:4:5:6:7:8]/"},
    {"http://[1:0:0:4:0:0:0:8]/", "http://[1:0:0:4::8]/"},
    {"http://[1:0:0:4:5:0:0:8]/", "http://[1::4:5:0:0:8]/"},
    {"http://[1:0:3:4:5:6:7:8]/", "http://[1:0:3:4:5:6:7:8]/"},
    {"http://[0:0:3:4:5:6:7:8]/", "http://[::3:4:5:6:7:8]/"},
    {"http://[1:2:3:4:5:6::]/", "http://[1:2:3:4:5:6::]/"},
    {"http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/"},
    {"http://[1:2:3:4:5:6:1.2.3.4]/", "http://[1:2:3:4:5:6:102:304]/"},
    {"http://[::1%25eth0]/", nullptr},
    {"http://[::1", nullptr},
    {"http://[]/", nullptr},
    {"http://[:]/", nullptr},
    {"http://[:::]/", nullptr},
    {"http://[1::2::3]/", nullptr},
    {"http://[1:2:3:4:5:6:7]/", nullptr},
    {"http://[1:2:3:4:5:6:7:8:9]/", nullptr},
    {"http://[1:2:3:4:5:6:7::8]/", nullptr},
    {"http://[12345::]/", nullptr},
    {"http://[g::]/", nullptr},
    {"http://[1:2]x/", nullptr},
    {"http://[::1.2.3]/", nullptr},
    {"http://[::1.2.3.4.5]/", nullptr},
    {"http://[::01.2.3.4]/", nullptr},
    {"http://[::256.2.3.4]/", nullptr},
    {"http://[::1.2.3.4:5]/", nullptr},
    {"http://[1.2.3.4::]/", nullptr},
    {"http://x[::1]/", nullptr},
    // Paths.
    {"http://h/a/./b", "http://h/a/b"},
    {"http://h/a/../b", "http://h/b"},
    {"http://h/a/..", "http://h/"},
    {"http://h/a/.", "http://h/a/"},
    {"http://h/..", "http://h/"},
    {"http://h/../../etc/passwd", "http://h/etc/passwd"},
    {"http://h/a/%2e%2e/b", "http://h/b"},
    {"http://h/a/.%2E/b", "http://h/b"},
    {"http://h/a/%2e./b", "http://h/b"},
    {"http://h/a/%2e/b", "http://h/a/b"},
    {"http://h/a/..%2fb", "http://h/a/..%2fb"},
    {"http://h/a\\..\\b", "http://h/b"},
    {"http://h/...", "http://h/..."},
    {"http://h/%2e%2e%2e", "http://h/%2e%2e%2e"},
    {"http://h//a//b//", "http://h//a//b//"},
    {"http://h//..", "http://h/"},
    {"http://h/a//../b", "http://h/a/b"},
    {"http://h/\"<>`{}^|~", "http://h/%22%3C%3E%60%7B%7D%5E|~"},
    {"http://h/%zz%", "http://h/%zz%"},
    {"http://h/\xea\xb0\x80", "http://h/%EA%B0%80"},
    {"http://h/\xff", "http://h/%FF"},
    {"http://h/;a=b,c@d:e", "http://h/;a=b,c@d:e"},
    // Queries and fragments.
    {"http://h?a", "http://h/?a"},
    {"http://h/?", "http://h/?"},
    {"http://h/?a=b&c=d", "http://h/?a=b&c=d"},
    {"http://h/?a/../b\\c", "http://h/?a/../b\\c"},
    {"http://h/? \"<>'`{}", "http://h/?%20%22%3C%3E%27`{}"},
    {"http://h/?a?b", "http://h/?a?b"},
    {"http://h/#", "http://h/#"},
    {"http://h#a", "http://h/#a"},
    {"http://h/#a?b#c", "http://h/#a?b#c"},
    {"http://h/# \"<>`", "http://h/#%20%22%3C%3E%60"},
    {"http://h/?a#b", "http://h/?a#b"},
    {"http://h/a@b:c", "http://h/a@b:c"},
    {"http://h/?q=http://x/@y", "http://h/?q=http://x/@y"},
};

TEST(Url, reads_what_browsers_read) {
  for (const Case& test : absolute) {
    const Result<Url> url = Url::parse(test.text);
    EXPECT_EQ(url.has_value(), test.url != nullptr) << test.text;
    if (!url || test.url == nullptr) continue;
    EXPECT_EQ(url->to_string(), test.url) << test.text;
    const Result<Url> again = Url::parse(url->to_string());
    ASSERT_TRUE(again) << test.text;
    EXPECT_EQ(*again, *url) << test.text;
  }
}

TEST(Url, resolves_references_as_browsers_do) {
  // RFC 3986, section 5.4, with a base of ours; then what is particular to the web.
  constexpr Case relative[] = {
      {"http:g", "http://a/b/c/g"},
      {"https:g", "https://g/"},
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g/"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q#s"},
      {"g#s", "http://a/b/c/g#s"},
      {"g?y#s", "http://a/b/c/g?y#s"},
      {";x", "http://a/b/c/;x"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../g", "http://a/g"},
      {"../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {"g;x=1/../y", "http://a/b/c/y"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
      {"\\g", "http://a/g"},
      {"\\\\g", "http://g/"},
      {"/\\g", "http://g/"},
      {"///g", "http://g/"},
      {"//g:81/x", "http://g:81/x"},
      {"https://g", "https://g/"},
      {"%2e%2e/g", "http://a/b/g"},
      {" g ", "http://a/b/c/g"},
      {"/\r\nX: y", "http://a/X:%20y"},
      {"ftp://g/", nullptr},
      {"mailto:a@b", nullptr},
      {"data:,x", nullptr},
      {"//", nullptr},
      {"//g:x", nullptr},
  };
  const Result<Url> base = Url::parse("http://a/b/c/d;p?q#f");
  ASSERT_TRUE(base);
  for (const Case& test : relative) {
    const Result<Url> url = base->resolve(test.text);
    EXPECT_EQ(url.has_value(), test.url != nullptr) << test.text;
    if (!url || test.url == nullptr) continue;
    EXPECT_EQ(url->to_string(), test.url) << test.text;
  }
}

TEST(Url, a_relative_reference_keeps_the_credentials_and_another_host_does_not) {
  const Result<Url> base = Url::parse("http://u:p@a:81/b");
  ASSERT_TRUE(base);
  EXPECT_EQ(base->resolve("/c")->to_string(), "http://u:p@a:81/c");
  EXPECT_EQ(base->resolve("//a:81/c")->to_string(), "http://a:81/c");
  EXPECT_EQ(base->resolve("//b/c")->to_string(), "http://b/c");
}

TEST(Url, gives_its_parts) {
  const Result<Url> url = Url::parse("https://u:p@[::1]:8443/a/b?c=d#e");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme(), Url::Scheme::https);
  EXPECT_TRUE(url->is_secure());
  EXPECT_EQ(url->username(), "u");
  EXPECT_EQ(url->password(), "p");
  EXPECT_EQ(url->host(), "[::1]");
  EXPECT_EQ(url->port(), 8443);
  EXPECT_EQ(url->path(), "/a/b");
  EXPECT_EQ(url->query(), "c=d");
  EXPECT_EQ(url->fragment(), "e");
  EXPECT_EQ(url->target(), "/a/b?c=d");
  EXPECT_EQ(url->authority(), "[::1]:8443");
  EXPECT_EQ(url->origin(), "https://[::1]:8443");
  EXPECT_EQ(url->host_port()->to_string(), "[::1]:8443");
}

TEST(Url, an_origin_is_scheme_host_and_port) {
  const Url url = *Url::parse("http://h/a");
  EXPECT_TRUE(url.has_same_origin(*Url::parse("http://u@H:80/b?c")));
  EXPECT_FALSE(url.has_same_origin(*Url::parse("https://h/")));
  EXPECT_FALSE(url.has_same_origin(*Url::parse("http://h:81/")));
  EXPECT_FALSE(url.has_same_origin(*Url::parse("http://h./")));
}

TEST(Url, an_error_says_what_is_wrong_with_which_text) {
  EXPECT_EQ(
      Url::parse("example.com/a").error().to_string(),
      "parse URL example.com/a: invalid argument: it has no scheme: write http:// or https:// "
      "before it");
  EXPECT_EQ(Url::parse("http://b\xc3\xbc/").error().to_string(),
            "parse URL http://b\xc3\xbc/: invalid argument: its host is not in ASCII: write it as "
            "xn--…");
  EXPECT_EQ(Url::parse(std::string(Url::bytes_max + 1, 'a')).error(), Errc::limit_exceeded);
}

TEST(Url, encodes_and_decodes_pieces) {
  EXPECT_EQ(Url::encode("a b/c?\xea\xb0\x80~"), "a%20b%2Fc%3F%EA%B0%80~");
  EXPECT_EQ(Url::decode("a%20b%2fc%"), "a b/c%");
  EXPECT_EQ(Url::decode("%4"), "%4");
  EXPECT_EQ(Url::decode("%zz%41"), "%zzA");
  EXPECT_EQ(Url::decode(Url::encode(std::string("\0\r\n%", 4))), std::string("\0\r\n%", 4));
}

}  // namespace
}  // namespace ieum::http
