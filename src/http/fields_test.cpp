// Fields, methods and dates.
#include <ieum/http/fields.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include <ieum/http/date.hpp>
#include <ieum/http/method.hpp>

namespace ieum::http {
namespace {

using namespace std::string_view_literals;

std::string shown(const Fields& fields) {
  std::string text;
  for (const Field field : fields) {
    text += std::string(field.name) + "=" + std::string(field.value) + ";";
  }
  return text;
}

TEST(Fields, keeps_the_order_and_the_case) {
  Fields fields;
  EXPECT_TRUE(fields.add("Vary", "a"));
  EXPECT_TRUE(fields.add("X", " \t y z\t"));
  EXPECT_TRUE(fields.add("vary", "b, C"));
  EXPECT_EQ(shown(fields), "Vary=a;X=y z;vary=b, C;");
  EXPECT_EQ(fields.get("VARY"), "a");
  EXPECT_EQ(fields.get("Z"), std::nullopt);
  EXPECT_EQ(fields.all("Vary"), "a, b, C");
  EXPECT_EQ(fields.count("vary"), 2U);
  EXPECT_TRUE(fields.lists("vary", "c"));
  EXPECT_FALSE(fields.lists("vary", "b, C"));
  EXPECT_TRUE(fields.set("VARY", "*"));
  EXPECT_EQ(shown(fields), "VARY=*;X=y z;");
  EXPECT_TRUE(fields.set("New", "1"));
  EXPECT_EQ(fields.remove("x"), 1U);
  EXPECT_EQ(shown(fields), "VARY=*;New=1;");
  const Fields copy = fields;
  fields.clear();
  EXPECT_EQ(shown(copy), "VARY=*;New=1;");
  EXPECT_TRUE(fields.empty());
}

TEST(Fields, takes_nothing_that_would_be_a_field_of_its_own) {
  Fields fields;
  for (const std::string_view name : std::initializer_list<std::string_view>{
           "", "a b", "a:", "a\r\nb", "a\0"sv, "\xc3\xa9", "a\t"}) {
    EXPECT_EQ(fields.add(name, "x").error(), std::errc::invalid_argument) << name;
  }
  for (const std::string_view value : std::initializer_list<std::string_view>{
           "a\r\nX: y", "a\n", "\r", "a\0b"sv, "\x7f", "\x1b"}) {
    EXPECT_EQ(fields.add("X", value).error(), std::errc::invalid_argument) << value;
    EXPECT_EQ(fields.set("X", value).error(), std::errc::invalid_argument) << value;
  }
  EXPECT_TRUE(fields.empty());
}

TEST(Method, is_read_exactly) {
  for (const Method method : {Method::get, Method::head, Method::post, Method::put, Method::delete_,
                              Method::connect, Method::options, Method::trace, Method::patch}) {
    EXPECT_EQ(method_of(to_string(method)), method);
  }
  for (const std::string_view name : {"get", "Get", "", "GETS", "QUERY"}) {
    EXPECT_EQ(method_of(name), Method::other);
  }
}

TEST(Date, is_written_in_one_form_and_read_in_three) {
  constexpr std::chrono::sys_seconds time{std::chrono::seconds(784111777)};
  constexpr std::chrono::sys_seconds now{std::chrono::seconds(1800000000)};  // 2027
  EXPECT_EQ(format_date(time), "Sun, 06 Nov 1994 08:49:37 GMT");
  for (const std::string_view text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(parse_date(text, now), time) << text;
  }
  EXPECT_EQ(format_date(*parse_date("Friday, 01-Jan-77 00:00:00 GMT", now)),
            "Fri, 01 Jan 2077 00:00:00 GMT");
  EXPECT_EQ(format_date(*parse_date("Friday, 01-Jan-78 00:00:00 GMT", now)),
            "Sun, 01 Jan 1978 00:00:00 GMT");
  EXPECT_EQ(format_date({}), "Thu, 01 Jan 1970 00:00:00 GMT");
  for (const std::string_view text :
       {"", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ", "1994-11-06T08:49:37Z",
        "Sun, 00 Nov 1994 08:49:37 GMT"}) {
    EXPECT_EQ(parse_date(text, now), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace ieum::http
