#include "text/suggest.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include <ieum/printable.hpp>

namespace ieum::cli {

namespace {

constexpr std::size_t word_bytes_max = 64;  // no word of ours is longer

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

/// Letters added, left out, changed, or swapped with their neighbour, to come from one to the
/// other.
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> before_last(to.size() + 1);
  std::vector<std::size_t> last(to.size() + 1);
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const bool same = lower(from[i - 1]) == lower(to[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(from[i - 1]) == lower(to[j - 2]) &&
          lower(from[i - 2]) == lower(to[j - 1])) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
  }
  return row[to.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
  if (word.empty() || word.size() > word_bytes_max) return {};
  std::string_view best;
  std::size_t best_distance = word.size() <= 3 ? 2 : 3;  // none is nearer than this yet
  for (const std::string_view candidate : known) {
    const std::size_t here = distance(word, candidate);
    if (here < best_distance && here < candidate.size()) {
      best = candidate;
      best_distance = here;
    }
  }
  if (!best.empty() || word.size() < 3) return best;
  for (const std::string_view candidate :
       known) {  // a long word, of which only the beginning stands
    if (candidate.starts_with(word) && (best.empty() || candidate.size() < best.size())) {
      best = candidate;
    }
  }
  return best;
}

std::string shown(std::string_view text) {
  constexpr std::size_t bytes_max = 60;
  std::size_t end = std::min(text.size(), bytes_max);
  // Not within a UTF-8 sequence.
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) {
    --end;
  }
  return printable(text.substr(0, end)) + (end < text.size() ? "…" : "");
}

std::string in_quotes(std::string_view text) { return "'" + shown(text) + "'"; }

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const std::string_view near = nearest(word, known);
  if (near.empty()) return {};
  return "; did you mean " + in_quotes(near) + "?";
}

}  // namespace ieum::cli
