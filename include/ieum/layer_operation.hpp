// LayerOperation: a read or a write of a protocol layer over another stream, without a frame and
// without an allocation.
#pragma once

#include <cstdint>
#include <exception>
#include <span>
#include <variant>

#include <ieum/stream.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// For implementers of a stream over another one: an operation that the stream keeps, one for
/// reading and one for writing, and gives to its hooks each time:
///
///     void begin_read(detail::StreamIo& io, std::span<std::byte> into) override {
///       if (io.use(reading_)) reading_.into = into;
///     }
///
/// It is a state machine: `advance` goes on as far as it can, begins what it needs of the stream
/// beneath, and is called again when that has ended well. It gives its result in `count`, or in
/// `lease` if it serves `begin_receive`. A stop and a deadline reach what is beneath; if that fails
/// or is stopped, so does this, after `gave_up`. While it waits, only the operation beneath does.
///
/// Belongs to one stream, and must not be moved or destroyed while it is in use.
class LayerOperation : public detail::LayerIo, public detail::Waiter, public detail::ReadyNode {
 public:
  detail::Start start(detail::Waiter& waiter, detail::Scope& scope) noexcept final;
  Error take_error() noexcept final;
  void rethrow() final;
  [[nodiscard]] Error refusal() const noexcept final;
  detail::Frame* ended(detail::Frame* child) noexcept final;
  detail::Frame* failed(Error& error) noexcept final;
  [[nodiscard]] const detail::Frame* awaiting_frame() const noexcept final {
    return outer_->awaiting_frame();
  }
  /// It has started, and its waiter has not been told how it ended.
  [[nodiscard]] bool is_pending() const noexcept { return outer_ != nullptr; }

 protected:
  enum class Step : std::uint8_t {
    done,    ///< with the result in `count` or `lease`
    failed,  ///< as `fail_with` has said
    waits,   ///< for what was begun beneath
  };

  /// `name`, a literal, is the operation in errors.
  explicit LayerOperation(const char* name) noexcept : name_(name) {}
  ~LayerOperation() = default;

  /// Called at the start, and when what was begun beneath has ended well.
  virtual Step advance() noexcept = 0;
  /// What was begun beneath has failed with `error`, or was stopped; `error` is what will be told,
  /// and may be changed. What is in the stream must stay usable if it was a stop. The answer is
  /// `failed`, or `done` if the operation has its result all the same.
  virtual Step gave_up(Error& error) noexcept {
    static_cast<void>(error);
    return Step::failed;
  }
  /// Whose peer errors name.
  [[nodiscard]] virtual Address peer_address() const noexcept = 0;

  // At the end of `advance`, one of these, as its answer: what it waits for.
  Step read_beneath(Stream& beneath, std::span<std::byte> into) noexcept;
  Step receive_beneath(Stream& beneath) noexcept;
  Step wait_readable_beneath(Stream& beneath) noexcept;
  Step write_beneath(Stream& beneath, const detail::WriteRequest& request) noexcept;
  /// A buffer of the runtime's pool, as the functions of these names give: then `take_lease`.
  Step lease_buffer(std::size_t bytes) noexcept;
  Step lease_output_buffer(std::size_t bytes) noexcept;
  Step fail_with(const Error& error) noexcept;
  template <class Code>
  Step fail_with(Code code) noexcept {
    return fail_with(Error(code, name_, peer_address()));
  }

  // In the next `advance`: what it has given. If it threw, there is none: whoever waits is told.
  [[nodiscard]] bool has_ended_beneath() const noexcept {
    return std::holds_alternative<std::size_t>(beneath_) || std::holds_alternative<Lease>(beneath_);
  }
  std::size_t take_count() noexcept;
  Lease take_lease() noexcept;

 private:
  bool take_what_has_ended() noexcept;
  detail::Start run(bool resumed) noexcept;
  template <class Io>
  detail::Start start_beneath(bool resumed) noexcept;
  static void go_on(detail::Loop& loop, detail::ReadyNode& node) noexcept;
  static void fail_later(detail::Loop& loop, detail::ReadyNode& node) noexcept;

  const char* name_;
  detail::Waiter* outer_ = nullptr;
  detail::Scope* scope_ = nullptr;
  // What waits beneath; then what it gave, or the error until it is told: never two of them, since
  // some are large.
  std::variant<std::monostate, detail::StreamIo, detail::StreamReceiveIo, std::size_t, Lease, Error>
      beneath_;
  std::exception_ptr exception_;
};

}  // namespace ieum
#pragma GCC visibility pop
