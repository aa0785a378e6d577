// RequestLog: what a request of `ieum get` does, told step by step (-v, --json-log), and how long
// each step took (--timing).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ieum/http/request_observer.hpp>
#include <ieum/http/url.hpp>

#include "report/event_log.hpp"
#include "report/progress.hpp"

namespace ieum::cli {

class RequestLog final : public http::RequestObserver {
 public:
  using Clock = std::chrono::steady_clock;
  /// How far a request has come: what failed, if it fails.
  enum class Phase : std::uint8_t { connecting, tunneling, securing, sending, waiting, body };

  /// `socks_proxy` is one that connections are made through, or empty.
  RequestLog(Log& log, bool verifies_nothing, std::string socks_proxy)
      : events_(log),
        log_(&log),
        verifies_nothing_(verifies_nothing),
        socks_proxy_(std::move(socks_proxy)) {}

  /// A request for this URL begins.
  void begin(const http::Url& url);
  /// Is told how much of the content has gone; null: nobody is.
  void watch(Progress* progress) noexcept { progress_ = progress; }
  /// The body has ended, or the request has failed.
  void end();
  void body(std::size_t bytes) noexcept { hop_.body_bytes += bytes; }

  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  [[nodiscard]] const TlsPeer& peer() const noexcept { return peer_; }
  /// The last head that came, all of it.
  [[nodiscard]] const std::string& reply_head() const noexcept { return reply_head_; }
  /// Of that head, the value of its first field with this name; empty if there is none.
  [[nodiscard]] std::string_view reply_field(std::string_view name) const;
  /// The URL that is asked: where redirects have led.
  [[nodiscard]] const std::string& url() const noexcept { return hop_.url; }
  /// "200 OK"
  [[nodiscard]] std::string reply_status() const;
  /// Redirects lead to a URL where they had been before: which; empty: to none.
  [[nodiscard]] const std::string& loop() const noexcept { return loop_; }
  [[nodiscard]] std::uint64_t content_bytes() const noexcept { return hop_.content_bytes; }
  [[nodiscard]] Log& log() noexcept { return *log_; }

  /// Of all requests since `begin`: a table.
  [[nodiscard]] std::string timing(int columns) const;
  /// The same as events.
  void report_timing();

  // As RequestObserver has it.
  void resolved(std::span<const Address> addresses) override;
  void connecting(const Address& to) override;
  void attempt_failed(const Error& error) override;
  void message(const TlsMessage& message) override { events_.message(message); }
  void reused() override;
  void connected(const Address& local, const Address& peer) override;
  void tunneled(const http::Url& proxy) override;
  void securing(std::string_view name) override;
  void secured(const TlsPeer& peer, const Error* failure) override;
  void sending(std::string_view head) override;
  void content_sent(std::uint64_t bytes) override;
  void sent() override;
  void received(std::string_view head) override;
  void redirected(const http::Url& to) override;

 private:
  /// One request and its answer.
  struct Hop {
    std::string url;
    std::string status;
    bool is_reused = false;
    std::uint64_t content_bytes = 0;
    std::uint64_t body_bytes = 0;
    Clock::time_point begun{};
    std::optional<Clock::time_point> resolved{};
    std::optional<Clock::time_point> connected{};
    std::optional<Clock::time_point> secured{};
    std::optional<Clock::time_point> sent{};
    std::optional<Clock::time_point> answered{};
    std::optional<Clock::time_point> ended{};
  };
  struct Step {
    std::string_view name;
    Duration from;
    Duration to;
  };
  [[nodiscard]] static std::vector<Step> steps_of(const Hop& hop);
  void event(std::string_view name, std::string sentence, std::vector<Field> fields = {});
  void lines(std::string_view name, std::string_view mark, std::string_view head);

  EventLog events_;
  Log* log_;
  bool verifies_nothing_;
  std::string socks_proxy_;
  Progress* progress_ = nullptr;
  Phase phase_ = Phase::connecting;
  TlsPeer peer_;
  std::string reply_head_;
  std::string loop_;
  Clock::time_point securing_since_{};
  Hop hop_;
  std::vector<Hop> hops_;  // those before
};

}  // namespace ieum::cli
