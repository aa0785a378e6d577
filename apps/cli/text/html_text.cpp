#include "text/html_text.hpp"

#include <fmt/format.h>

namespace ieum::cli {

std::string html_begin(std::string_view title, std::string_view style) {
  return fmt::format(R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{}</title>
<style>{}</style>
)",
                     to_html_text(title), style);
}

std::string_view html_end() { return "</html>\n"; }

std::string to_html_text(std::string_view text) {
  std::string html;
  for (const char letter : text) {
    switch (letter) {
      case '&': html += "&amp;"; break;
      case '<': html += "&lt;"; break;
      case '>': html += "&gt;"; break;
      case '"': html += "&quot;"; break;
      case '\'': html += "&#39;"; break;
      default: html += letter;
    }
  }
  return html;
}

}  // namespace ieum::cli
