#include "http/listing.hpp"

#include <gmock/gmock.h>

namespace ieum::http::detail {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(HttpListing, escapes_names_whatever_they_hold) {
  std::vector<ListedFile> files;
  for (const char* name : {"<script>alert(1)</script>", "a\"b' & c", "javascript:alert(1)", "a?b#c",
                           "한국어.txt", "\xff\xfe", "x\xe2\x80\xaeq"}) {
    files.push_back({.name = name, .is_directory = false, .size = 1, .modified = {}});
  }
  const std::string page = listing_page("/<b>/", files, false, "");
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(page, Not(HasSubstr("<b>")));
  EXPECT_THAT(page, HasSubstr("href=\"a%22b%27%20%26%20c\">a&quot;b&#39; &amp; c</a>"));
  EXPECT_THAT(page, HasSubstr("href=\"javascript%3Aalert%281%29\""));
  EXPECT_THAT(page, HasSubstr("href=\"a%3Fb%23c\""));
  EXPECT_THAT(page, HasSubstr("href=\"%ED%95%9C%EA%B5%AD%EC%96%B4.txt\">한국어.txt</a>"));
  EXPECT_THAT(page, HasSubstr("href=\"%FF%FE\">\\xff\\xfe</a>"));
  EXPECT_THAT(page, HasSubstr("\\xe2\\x80\\xae"));  // no name turns the line round
}

TEST(HttpListing, has_folders_first_and_a_way_up) {
  const std::vector<ListedFile> files = {
      {.name = "b", .is_directory = false, .size = 1536, .modified = {}},
      {.name = "c", .is_directory = true, .size = 4096, .modified = {}}};
  const std::string page = listing_page("/x/", files, true, "<p>foot</p>");
  EXPECT_LT(page.find("href=\"c/\""), page.find("href=\"b\""));
  EXPECT_THAT(page, HasSubstr("href=\"../\""));
  EXPECT_THAT(page, HasSubstr("<td>1.5 KiB</td><td>1970-01-01 00:00</td>"));
  EXPECT_THAT(page, HasSubstr("There are more than these."));
  EXPECT_THAT(page, HasSubstr("<p>foot</p>"));
  EXPECT_THAT(listing_page("/", files, false, ""), Not(HasSubstr("../")));
}

}  // namespace
}  // namespace ieum::http::detail
