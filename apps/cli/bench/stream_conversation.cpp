// Conversations over any stream: messages of bytes, and HTTP.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "bench/conversation.hpp"
#include "bench/reply_reader.hpp"

namespace ieum::cli {

namespace {

/// So many messages leave with one write.
constexpr std::size_t parts_max = 64;

class StreamConversation : public Conversation {
 public:
  StreamConversation(Connected connected, const BenchTarget& target)
      : connected_(std::move(connected)), target_(target) {}

  Task<> send(std::uint64_t /*first*/, std::size_t count) final {
    const ConstBuffer message = std::as_bytes(std::span(target_.message));
    if (count == 1) {
      co_await connected_.stream->write_all(message);
      co_return;
    }
    std::vector<ConstBuffer> parts(std::min(count, parts_max), message);
    while (count > 0) {
      const std::size_t now = std::min(count, parts_max);
      co_await connected_.stream->write_all(std::span<const ConstBuffer>(parts).first(now));
      count -= now;
    }
  }
  Task<> receive(std::vector<Answer>& to) final {
    const Lease data = co_await connected_.stream->receive();
    if (data.empty()) {
      const std::size_t before = to.size();
      end_of_stream(to);
      if (to.size() > before) co_return;
      const Error ended = Error(Errc::end_of_stream, "receive", peer_address());
      co_await fail(ended);
    }
    co_await take(data, to);
  }
  Task<> end() final { return connected_.stream->reset(); }
  std::optional<TcpInfo> tcp_info() const final { return tcp_info_of(*connected_.socket); }
  Address peer_address() const final { return connected_.socket->peer_address(); }

 protected:
  [[nodiscard]] const BenchTarget& target() const noexcept { return target_; }
  virtual Result<> take(ConstBuffer data, std::vector<Answer>& to) = 0;
  virtual void end_of_stream(std::vector<Answer>& to) = 0;

 private:
  Connected connected_;
  const BenchTarget& target_;
};

/// An answer is so many bytes.
class ByteConversation final : public StreamConversation {
 public:
  ByteConversation(Connected connected, const BenchTarget& target)
      : StreamConversation(std::move(connected), target), missing_(target.answer_bytes) {}

  std::string unfinished() const override {
    const std::uint64_t all = target().answer_bytes;
    if (missing_ == all) return {};
    return fmt::format("{} of {} bytes of the answer had come", all - missing_, all);
  }

 protected:
  Result<> take(ConstBuffer data, std::vector<Answer>& to) override {
    while (!data.empty()) {
      const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(missing_, data.size()));
      data = data.subspan(part);
      missing_ -= part;
      if (missing_ > 0) continue;
      missing_ = target().answer_bytes;
      to.push_back({.bytes = missing_});
    }
    return {};
  }
  void end_of_stream(std::vector<Answer>& /*to*/) override {}

 private:
  std::uint64_t missing_;
};

class HttpConversation final : public StreamConversation {
 public:
  HttpConversation(Connected connected, const BenchTarget& target)
      : StreamConversation(std::move(connected), target), reader_(target.head_only) {}

  bool is_over() const noexcept override { return is_over_; }
  std::string unfinished() const override { return reader_.unfinished(); }

 protected:
  Result<> take(ConstBuffer data, std::vector<Answer>& to) override {
    const std::size_t before = to.size();
    const Result<> taken = reader_.take(data, to);
    if (!taken)
      return fail(Error(std::errc::protocol_error, "receive", peer_address())
                      .with_detail(taken.error().detail()));
    if (to.size() > before && reader_.closes()) is_over_ = true;
    return {};
  }
  void end_of_stream(std::vector<Answer>& to) override {
    reader_.end(to);
    is_over_ = true;
  }

 private:
  ReplyReader reader_;
  bool is_over_ = false;
};

}  // namespace

Task<std::unique_ptr<Conversation>> open_stream_conversation(const BenchTarget& target,
                                                             OpenTrouble& trouble) {
  Connected connected = co_await connect_to(target, trouble);
  if (!target.greeting.empty()) co_await connected.stream->write_all(target.greeting);
  std::unique_ptr<Conversation> made;
  if (target.protocol == Protocol::http) {
    made = std::make_unique<HttpConversation>(std::move(connected), target);
  } else {
    made = std::make_unique<ByteConversation>(std::move(connected), target);
  }
  co_return made;
}

}  // namespace ieum::cli
