// Conditions and ranges.
#include "http/conditions.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include <ieum/http/date.hpp>

namespace ieum::http::detail {
namespace {

constexpr std::string_view before = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr std::string_view same = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view after = "Sun, 06 Nov 1994 08:49:38 GMT";

Validators validators() { return {.etag = "\"a,b\"", .modified = *parse_date(same)}; }

Fields fields(std::initializer_list<Field> all) {
  Fields made;
  for (const Field& field : all) EXPECT_TRUE(made.add(field.name, field.value));
  return made;
}

int judged(std::initializer_list<Field> all, Method method = Method::get) {
  return number(judge_conditions(fields(all), method, validators()));
}

TEST(Conditions, are_judged_in_their_order) {
  EXPECT_EQ(judged({}), 200);
  EXPECT_EQ(judged({{"If-None-Match", "\"a,b\""}}), 304);
  EXPECT_EQ(judged({{"If-None-Match", "W/\"a,b\""}}), 304);
  EXPECT_EQ(judged({{"If-None-Match", "\"x\", W/\"y\" ,\"a,b\""}}), 304);
  EXPECT_EQ(judged({{"If-None-Match", "*"}}), 304);
  EXPECT_EQ(judged({{"If-None-Match", "*"}}, Method::put), 412);
  EXPECT_EQ(judged({{"If-None-Match", "\"a\", b"}}), 200);
  EXPECT_EQ(judged({{"If-None-Match", "\"x\""}, {"If-Modified-Since", after}}), 200);
  EXPECT_EQ(judged({{"If-Modified-Since", same}}), 304);
  EXPECT_EQ(judged({{"If-Modified-Since", before}}), 200);
  EXPECT_EQ(judged({{"If-Modified-Since", "yesterday"}}), 200);
  EXPECT_EQ(judged({{"If-Modified-Since", same}}, Method::post), 200);
  EXPECT_EQ(judged({{"If-Match", "\"a,b\""}}), 200);
  EXPECT_EQ(judged({{"If-Match", "W/\"a,b\""}}), 412);
  EXPECT_EQ(judged({{"If-Match", "\"x\""}, {"If-Unmodified-Since", after}}), 412);
  EXPECT_EQ(judged({{"If-Match", "*"}, {"If-None-Match", "*"}}), 304);
  EXPECT_EQ(judged({{"If-Unmodified-Since", same}}), 200);
  EXPECT_EQ(judged({{"If-Unmodified-Since", before}}), 412);
  EXPECT_EQ(judged({{"If-Unmodified-Since", "yesterday"}}), 200);
  EXPECT_EQ(judged({{"If-Match", "\"a,b\""}, {"If-Unmodified-Since", before}}), 200);
}

std::string ranges(std::string_view range, std::string_view if_range = {}) {
  Fields request = fields({{"Range", range}});
  if (!if_range.empty()) EXPECT_TRUE(request.add("If-Range", if_range));
  const Ranges judged = judge_ranges(request, Method::get, validators(), 10);
  if (judged.kind == Ranges::Kind::whole) return "whole";
  if (judged.kind == Ranges::Kind::unsatisfiable) return "unsatisfiable";
  std::string text;
  for (const ByteRange& part : judged.parts) {
    text += std::to_string(part.at) + "+" + std::to_string(part.bytes) + " ";
  }
  return text;
}

TEST(Ranges, are_read) {
  EXPECT_EQ(ranges("bytes=0-0"), "0+1 ");
  EXPECT_EQ(ranges("Bytes=2-"), "2+8 ");
  EXPECT_EQ(ranges("bytes=-3"), "7+3 ");
  EXPECT_EQ(ranges("bytes=-30"), "0+10 ");
  EXPECT_EQ(ranges("bytes=5-100"), "5+5 ");
  EXPECT_EQ(ranges("bytes=8-9, 0-1 ,20-30"), "8+2 0+2 ");
  EXPECT_EQ(ranges("bytes=10-"), "unsatisfiable");
  EXPECT_EQ(ranges("bytes=-0"), "unsatisfiable");
  for (const char* text :
       {"bytes=", "bytes=a", "bytes=3-2", "bytes=-", "bytes=1", "lines=0-1", "bytes=0-5,5-6",
        "bytes=0-1,x", "bytes=+1-2", "bytes=1 - 2", "bytes=0-99999999999999999999"}) {
    EXPECT_EQ(ranges(text), "whole") << text;
  }
  std::string many = "bytes=0-0";
  for (std::size_t i = 0; i < ranges_max; ++i) many += ",20-";
  EXPECT_EQ(ranges(many), "whole");
}

TEST(Ranges, are_of_the_same_version_only) {
  EXPECT_EQ(ranges("bytes=0-0", "\"a,b\""), "0+1 ");
  EXPECT_EQ(ranges("bytes=0-0", "W/\"a,b\""), "whole");
  EXPECT_EQ(ranges("bytes=0-0", "\"x\""), "whole");
  EXPECT_EQ(ranges("bytes=0-0", same), "0+1 ");
  EXPECT_EQ(ranges("bytes=0-0", after), "whole");
  EXPECT_EQ(ranges("bytes=0-0", "nonsense"), "whole");
}

TEST(Codings, are_taken_if_named) {
  const auto takes = [](std::string_view list) {
    return accepts_coding(fields({{"Accept-Encoding", list}}), "gzip");
  };
  EXPECT_TRUE(takes("gzip"));
  EXPECT_TRUE(takes("br, GZIP;q=0.5"));
  EXPECT_TRUE(takes("*"));
  EXPECT_FALSE(takes("br"));
  EXPECT_FALSE(takes("gzip;q=0"));
  EXPECT_FALSE(takes("*, gzip; q=0.000"));
  EXPECT_FALSE(takes(""));
  EXPECT_FALSE(accepts_coding({}, "gzip"));
}

}  // namespace
}  // namespace ieum::http::detail
