#include "get/get.hpp"

#include <gtest/gtest.h>

#include "get/event_reader.hpp"
#include "report/progress.hpp"

namespace ieum::cli {
namespace {

std::string name_of(std::string_view url) { return file_name_of(*http::Url::parse(url)); }

TEST(GetCommand, names_files_in_this_folder_alone) {
  EXPECT_EQ(name_of("http://h/a/film.mp4?x=/y#z"), "film.mp4");
  EXPECT_EQ(name_of("http://h/%ED%95%9C.txt"), "한.txt");
  EXPECT_EQ(name_of("http://h/a/"), "");
  EXPECT_EQ(name_of("http://h"), "");
  EXPECT_EQ(name_of("http://h/..%2F..%2Fetc%2Fpasswd"), "_._.._etc_passwd");
  EXPECT_EQ(name_of("http://h/%2Fetc%2Fpasswd"), "_etc_passwd");
  EXPECT_EQ(name_of("http://h/.bashrc"), "_bashrc");
  EXPECT_EQ(name_of("http://h/a%0Ab%00c%1B"), "a_b_c_");
  EXPECT_EQ(name_of("http://h/" + std::string(300, 'a')), "");
}

TEST(GetCommand, reads_places_of_hosts) {
  const auto place = parse_place("a.test:443:192.0.2.7");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->host, "a.test");
  EXPECT_EQ(place->port, 443);
  EXPECT_EQ(place->address, Address::parse("192.0.2.7:0"));
  EXPECT_EQ(parse_place("a.test:*:::1")->address, Address::parse("[::1]:0"));
  EXPECT_EQ(parse_place("a.test:80:[::1]")->address, Address::parse("[::1]:0"));
  for (const char* wrong :
       {"", "a", "a:80", "a:80:b", ":80:127.0.0.1", "a:0:127.0.0.1", "a:x:127.0.0.1"}) {
    EXPECT_FALSE(parse_place(wrong)) << wrong;
  }
}

std::vector<std::string> data_of(std::string_view text, std::size_t step) {
  EventReader reader;
  std::vector<http::ServerEvent> events;
  for (std::size_t at = 0; at < text.size(); at += step) {
    EXPECT_TRUE(reader.feed(text.substr(at, step), events));
  }
  std::vector<std::string> all;
  for (const http::ServerEvent& event : events) {
    all.push_back(event.event + "|" + event.id + "|" + event.data);
  }
  return all;
}

TEST(EventReader, reads_events_however_they_come) {
  constexpr std::string_view text =
      "\xef\xbb\xbf: a comment\r\ndata: a\r\ndata:b\r\ndata\r\n\r\nevent: tick\rid: 7\rdata: c\r\r"
      "event: none\n\nid\ndata: d\n\nunknown: x\ndata: half";
  const std::vector<std::string> wanted{"||a\nb\n", "tick|7|c", "||d"};
  for (std::size_t step = 1; step < 20; ++step) EXPECT_EQ(data_of(text, step), wanted) << step;
}

TEST(EventReader, remembers_the_last_id_and_the_pause) {
  EventReader reader;
  std::vector<http::ServerEvent> events;
  EXPECT_TRUE(reader.feed("retry: 1500\nid: a\n\nid: b\ndata: half", events));
  EXPECT_TRUE(events.empty());
  EXPECT_EQ(reader.last_id(), "a");
  EXPECT_EQ(reader.retry(), std::chrono::milliseconds(1500));
  EXPECT_FALSE(reader.feed(std::string(EventReader::bytes_max + 1, 'x'), events));
}

TEST(GetProgress, says_how_much_of_what) {
  Progress progress(false, "film.mp4");
  progress.begin(0, 4096);
  progress.at(1024);
  EXPECT_EQ(progress.line(80), "film.mp4  1024 bytes of 4096 bytes, 25 %");
  EXPECT_EQ(progress.line(39), "1024 bytes of 4096 bytes, 25 %");
  progress.begin(7, std::nullopt);
  EXPECT_EQ(progress.line(80), "film.mp4  7 bytes");
}

}  // namespace
}  // namespace ieum::cli
