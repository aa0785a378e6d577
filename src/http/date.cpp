// Dates: the three forms of RFC 9110, section 5.6.7.
#include <ieum/http/date.hpp>

#include <array>
#include <cstddef>

#include "http/syntax.hpp"

namespace ieum::http {

namespace {

using std::chrono::sys_seconds;

constexpr std::array<std::string_view, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_days = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void put(std::string& text, unsigned number, std::size_t digits) {
  const std::size_t at = text.size();
  text.resize(at + digits);
  for (std::size_t i = digits; i > 0; --i, number /= 10) {
    text[at + i - 1] = static_cast<char>('0' + number % 10);
  }
}

/// What is left of a date; each function takes something off its front, or says that it is not
/// there.
class Reader {
 public:
  explicit Reader(std::string_view text) : left_(text) {}

  bool take(std::string_view literal) {
    if (!left_.starts_with(literal)) return false;
    left_.remove_prefix(literal.size());
    return true;
  }
  template <std::size_t N>
  bool take_one_of(const std::array<std::string_view, N>& names, unsigned& index) {
    for (std::size_t i = 0; i < N; ++i) {
      if (!take(names[i])) continue;
      index = static_cast<unsigned>(i);
      return true;
    }
    return false;
  }
  bool take_number(std::size_t digits, unsigned& number) {
    if (left_.size() < digits ||
        !detail::are_of(left_.substr(0, digits), detail::characters::digit)) {
      return false;
    }
    number = 0;
    for (const char c : left_.substr(0, digits))
      number = number * 10 + static_cast<unsigned>(c - '0');
    left_.remove_prefix(digits);
    return true;
  }
  bool take_time(unsigned& hour, unsigned& minute, unsigned& second) {
    return take_number(2, hour) && take(":") && take_number(2, minute) && take(":") &&
           take_number(2, second);
  }
  [[nodiscard]] bool at_end() const { return left_.empty(); }

 private:
  std::string_view left_;
};

struct Parts {
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;

  [[nodiscard]] std::optional<sys_seconds> time() const {
    using namespace std::chrono;
    const year_month_day date{std::chrono::year(static_cast<int>(year)),
                              std::chrono::month(month + 1), std::chrono::day(day)};
    if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
    return sys_days(date) + hours(hour) + minutes(minute) + seconds(second);
  }
};

/// Sun, 06 Nov 1994 08:49:37 GMT
bool read_fixed(Reader reader, Parts& to) {
  unsigned weekday = 0;
  return reader.take_one_of(days, weekday) && reader.take(", ") && reader.take_number(2, to.day) &&
         reader.take(" ") && reader.take_one_of(months, to.month) && reader.take(" ") &&
         reader.take_number(4, to.year) && reader.take(" ") &&
         reader.take_time(to.hour, to.minute, to.second) && reader.take(" GMT") && reader.at_end();
}

/// Sunday, 06-Nov-94 08:49:37 GMT
bool read_rfc850(Reader reader, Parts& to, sys_seconds now) {
  unsigned weekday = 0;
  if (!reader.take_one_of(long_days, weekday) || !reader.take(", ") ||
      !reader.take_number(2, to.day) || !reader.take("-") ||
      !reader.take_one_of(months, to.month) || !reader.take("-") ||
      !reader.take_number(2, to.year) || !reader.take(" ") ||
      !reader.take_time(to.hour, to.minute, to.second) || !reader.take(" GMT") ||
      !reader.at_end()) {
    return false;
  }
  using namespace std::chrono;
  const auto this_year =
      static_cast<unsigned>(static_cast<int>(year_month_day(floor<std::chrono::days>(now)).year()));
  to.year += this_year / 100 * 100;
  if (to.year > this_year + 50) to.year -= 100;
  return true;
}

/// Sun Nov  6 08:49:37 1994
bool read_asctime(Reader reader, Parts& to) {
  unsigned weekday = 0;
  if (!reader.take_one_of(days, weekday) || !reader.take(" ") ||
      !reader.take_one_of(months, to.month) || !reader.take(" ")) {
    return false;
  }
  const bool has_day =
      reader.take(" ") ? reader.take_number(1, to.day) : reader.take_number(2, to.day);
  return has_day && reader.take(" ") && reader.take_time(to.hour, to.minute, to.second) &&
         reader.take(" ") && reader.take_number(4, to.year) && reader.at_end();
}

}  // namespace

std::string format_date(sys_seconds time) {
  using namespace std::chrono;
  const auto day = floor<std::chrono::days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  std::string text;
  text.reserve(29);
  text += days[weekday(day).c_encoding()];
  text += ", ";
  put(text, static_cast<unsigned>(date.day()), 2);
  text += ' ';
  text += months[static_cast<unsigned>(date.month()) - 1];
  text += ' ';
  put(text, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  text += ' ';
  put(text, static_cast<unsigned>(clock.hours().count()), 2);
  text += ':';
  put(text, static_cast<unsigned>(clock.minutes().count()), 2);
  text += ':';
  put(text, static_cast<unsigned>(clock.seconds().count()), 2);
  text += " GMT";
  return text;
}

std::optional<sys_seconds> parse_date(std::string_view text, sys_seconds now) {
  Parts parts;
  const Reader reader(text);
  if (read_fixed(reader, parts) || read_rfc850(reader, parts, now) || read_asctime(reader, parts)) {
    return parts.time();
  }
  return std::nullopt;
}

}  // namespace ieum::http
