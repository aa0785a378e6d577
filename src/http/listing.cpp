#include "http/listing.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include <ieum/http/url.hpp>
#include <ieum/printable.hpp>

namespace ieum::http::detail {

namespace {

constexpr std::string_view style =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark}h1{font-size:1.3rem;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%}th{text-align:start}"
    "td,th{padding:.15rem .5rem;border-bottom:1px solid #8884}"
    "td:first-child{overflow-wrap:anywhere;width:100%}"
    "td+td,th+th{text-align:end;white-space:nowrap;font-variant-numeric:tabular-nums}"
    "a{text-decoration:none}a:hover{text-decoration:underline}";

/// For a text and for an attribute; nothing in it can be a tag, nor turn the line round.
void append_escaped(std::string& to, std::string_view text) {
  for (const char c : printable(text)) {
    switch (c) {
      case '&': to += "&amp;"; break;
      case '<': to += "&lt;"; break;
      case '>': to += "&gt;"; break;
      case '"': to += "&quot;"; break;
      case '\'': to += "&#39;"; break;
      default: to += c;
    }
  }
}

std::string size_of(const ListedFile& file) {
  if (file.is_directory) return {};
  constexpr std::array<const char*, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto amount = static_cast<double>(file.size);
  std::size_t unit = 0;
  while (amount >= 1000 && unit + 1 < units.size()) {
    amount /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 || amount >= 100 ? "%.0f %s" : "%.1f %s",
                amount, units[unit]);
  return text.data();
}

/// 2026-11-28 17:40, UTC.
std::string date_of(std::chrono::sys_seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(time - day).count();
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(minutes / 60), static_cast<int>(minutes % 60));
  return text.data();
}

void append_row(std::string& to, const ListedFile& file) {
  // Encoded as a whole, so that no name is a scheme, a query or another folder's.
  const char* const end = file.is_directory ? "/" : "";
  to.append("<tr><td><a href=\"").append(Url::encode(file.name)).append(end).append("\">");
  append_escaped(to, file.name);
  to.append(end).append("</a></td><td>").append(size_of(file)).append("</td><td>");
  to.append(date_of(file.modified)).append("</td></tr>\n");
}

}  // namespace

std::string listing_page(std::string_view path, std::vector<ListedFile> files, bool is_cut,
                         std::string_view foot) {
  std::ranges::sort(files, [](const ListedFile& a, const ListedFile& b) {
    if (a.is_directory != b.is_directory) return a.is_directory;
    return a.name < b.name;
  });
  std::string page =
      "<!doctype html>\n<html><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>";
  append_escaped(page, path);
  page.append("</title>\n<style>").append(style).append("</style></head>\n<body><h1>");
  append_escaped(page, path);
  page +=
      "</h1>\n<table><thead><tr><th>Name</th><th>Size</th><th>Changed (UTC)</th></tr></thead>"
      "<tbody>\n";
  if (path != "/") page += "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n";
  for (const ListedFile& file : files) append_row(page, file);
  page += "</tbody></table>\n";
  if (is_cut) page += "<p>There are more than these.</p>\n";
  page.append(foot).append("</body></html>\n");
  return page;
}

}  // namespace ieum::http::detail
