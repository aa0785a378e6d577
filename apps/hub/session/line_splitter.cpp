// LineSplitter: lines out of what comes, in whatever pieces.
#include "session/line_splitter.hpp"

namespace ieum::hub {

void LineSplitter::add(std::string_view bytes) {
  pending_.erase(0, from_);
  from_ = 0;
  pending_ += bytes;
}

std::optional<std::string> LineSplitter::next() {
  for (;;) {
    const std::string_view rest = std::string_view(pending_).substr(from_);
    const std::size_t end = rest.find('\n');
    const bool complete = end != std::string_view::npos;
    if (skipping_) {
      from_ += complete ? end + 1 : rest.size();
      skipping_ = !complete;
      if (complete) continue;
    } else if (complete || rest.size() > bytes_max_) {
      std::string_view line = rest.substr(0, complete ? end : bytes_max_ + 1);
      if (line.size() > bytes_max_) line = line.substr(0, bytes_max_ + 1);
      skipping_ = !complete;
      from_ += complete ? end + 1 : rest.size();
      std::string result(line);
      if (result.ends_with('\r')) result.pop_back();
      return result;
    }
    if (from_ == pending_.size()) {
      std::string().swap(pending_);
      from_ = 0;
    }
    return std::nullopt;
  }
}

}  // namespace ieum::hub
