#include "trace/html.hpp"

namespace ieum::cli::trace {

std::string_view page_begin() {
  return R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>ieum trace</title>
<style>
  body { margin: 1rem; background: #fff; color: #111; }
  pre { font: 14px/1.35 ui-monospace, "DejaVu Sans Mono", "Noto Sans Mono CJK KR", monospace; }
  i { font-style: normal; color: #05508c; }
  @media (prefers-color-scheme: dark) {
    body { background: #111; color: #ddd; } i { color: #8cc8ff; }
  }
</style>
<h1>ieum trace</h1>
<pre>
)";
}

std::string_view page_end() { return "</pre>\n</html>\n"; }

std::string to_html(std::string_view lines) {
  constexpr std::string_view sentence = "          └";  // a line below a row
  std::string html;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
    const bool is_sentence = line.starts_with(sentence);
    if (is_sentence) html += "<i>";
    for (const char letter : line) {
      switch (letter) {
        case '&': html += "&amp;"; break;
        case '<': html += "&lt;"; break;
        case '>': html += "&gt;"; break;
        case '"': html += "&quot;"; break;
        case '\'': html += "&#39;"; break;
        default: html += letter;
      }
    }
    html += is_sentence ? "</i>\n" : "\n";
  }
  return html;
}

}  // namespace ieum::cli::trace
