#include "trace/html.hpp"

#include "text/html_text.hpp"

namespace ieum::cli::trace {

std::string page_begin() {
  return html_begin("ieum trace", R"(
  body { margin: 1rem; background: #fff; color: #111; }
  pre { font: 14px/1.35 ui-monospace, "DejaVu Sans Mono", "Noto Sans Mono CJK KR", monospace; }
  i { font-style: normal; color: #05508c; }
  @media (prefers-color-scheme: dark) {
    body { background: #111; color: #ddd; } i { color: #8cc8ff; }
  }
)") + "<h1>ieum trace</h1>\n<pre>\n";
}

std::string page_end() { return "</pre>\n" + std::string(html_end()); }

std::string to_html(std::string_view lines) {
  constexpr std::string_view sentence = "          └";  // a line below a row
  std::string html;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
    const bool is_sentence = line.starts_with(sentence);
    if (is_sentence) html += "<i>";
    html += to_html_text(line);
    html += is_sentence ? "</i>\n" : "\n";
  }
  return html;
}

}  // namespace ieum::cli::trace
