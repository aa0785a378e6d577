// select: waits for several things at once, and loses nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>

#include <ieum/task.hpp>

#pragma GCC visibility push(default)
namespace ieum {

namespace detail {

/// The part of a select that knows no types.
class SelectCore {
 public:
  SelectCore(const SelectCore&) = delete;
  SelectCore& operator=(const SelectCore&) = delete;

 protected:
  /// Told how one of the awaited things ended.
  class Leg : public Waiter {
   public:
    enum class State : std::uint8_t {
      pending,
      ended,
      failed,
      left,  ///< taken back, or stopped before anything had come of it
    };

    Leg() noexcept = default;
    Leg(const Leg&) = delete;
    Leg& operator=(const Leg&) = delete;
    Frame* ended(Frame* child) noexcept override;
    Frame* failed(Error& error) noexcept override;
    [[nodiscard]] const Frame* awaiting_frame() const noexcept override {
      return select_->outer_->awaiting_frame();
    }
    [[nodiscard]] State state() const noexcept { return state_; }
    [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }

   protected:
    ~Leg() = default;

   private:
    friend class SelectCore;
    SelectCore* select_ = nullptr;
    State state_ = State::pending;
    std::optional<Error> error_;  // failed, or left by a stop
  };

  SelectCore() noexcept = default;
  ~SelectCore() = default;

  void open(Waiter& outer, Scope& parent) noexcept;
  template <class S>
  void start_leg(Leg& leg, S& state) noexcept {
    leg.select_ = this;
    started(leg, state.start(leg, scope_));
    if (leg.state_ == Leg::State::pending) return;
    if (leg.state_ == Leg::State::failed) failed(leg, state.take_error());
  }
  /// All legs have been started.
  Start all_started(Scope& parent) noexcept;
  /// Takes back each pending leg that can be taken back at once.
  virtual void withdraw_legs() noexcept = 0;
  void withdrawn(Leg& leg) noexcept {
    leg.state_ = Leg::State::left;
    --pending_;
  }
  /// The error of a select of which nothing has come.
  [[nodiscard]] virtual const Error& first_error() const noexcept = 0;

 private:
  void started(Leg& leg, const Start& start) noexcept;
  void failed(Leg& leg, const Error& error) noexcept;
  void completed() noexcept;
  void stop_legs() noexcept;

  Scope scope_;
  Waiter* outer_ = nullptr;
  std::size_t pending_ = 0;
  bool starting_ = true;
  bool any_completed_ = false;
};

template <Awaitable A>
inline constexpr bool is_attempt = false;
template <Awaitable A>
inline constexpr bool is_attempt<Attempt<A>> = true;

template <Awaitable... A>
class [[nodiscard]] Select {
  static_assert((!is_attempt<A> && ...),
                "select() gives each leg's Result anyway: write the operation without attempt()");
  static_assert(
      (!Partial<A> && ...),
      "select() leaves what has not completed as if it had never been started, which this "
      "cannot be: part of a write_all has gone, and a message that only moves is "
      "destroyed; make it a task if that will do");

 public:
  using value_type = std::tuple<std::optional<Result<typename A::value_type>>...>;
  static constexpr bool consumes = (Consuming<A> || ...);
  explicit Select(A&&... ops) noexcept : ops_(std::move(ops)...) {}

  class State final : public SelectCore {
   public:
    explicit State(Select&& select) noexcept
        : State(std::move(select.ops_), std::index_sequence_for<A...>{}) {}

    Start start(Waiter& waiter, Scope& scope) noexcept {
      open(waiter, scope);
      std::apply([this](auto&... leg) { (this->start_leg(leg, leg.op), ...); }, legs_);
      return all_started(scope);
    }
    value_type take() {
      return std::apply([](auto&... leg) { return value_type{result_of(leg)...}; }, legs_);
    }
    [[nodiscard]] Error take_error() const noexcept { return first_error(); }

   private:
    template <class B>
    struct TypedLeg final : Leg {
      explicit TypedLeg(B&& awaitable) noexcept : op(std::move(awaitable)) {}
      using value_type = typename B::value_type;
      typename B::State op;
    };

    template <std::size_t... I>
    State(std::tuple<A...>&& ops, std::index_sequence<I...> /*which*/) noexcept
        : legs_(std::move(std::get<I>(ops))...) {}

    template <class L>
    static std::optional<Result<typename L::value_type>> result_of(L& leg) {
      if (leg.state() == Leg::State::left) return std::nullopt;
      if (leg.state() == Leg::State::failed) {
        return std::optional<Result<typename L::value_type>>(std::in_place, std::unexpect,
                                                             *leg.error());
      }
      if constexpr (std::is_void_v<typename L::value_type>) {
        leg.op.take();
        return std::optional<Result<void>>(std::in_place);
      } else {
        return std::optional<Result<typename L::value_type>>(std::in_place, leg.op.take());
      }
    }

    template <class L>
    void withdraw(L& leg) noexcept {
      if constexpr (requires { leg.op.withdraw(); }) {
        if (leg.state() == Leg::State::pending && leg.op.withdraw()) withdrawn(leg);
      }
    }
    void withdraw_legs() noexcept override {
      std::apply([this](auto&... leg) { (this->withdraw(leg), ...); }, legs_);
    }
    [[nodiscard]] const Error& first_error() const noexcept override {
      return *std::get<0>(legs_).error();
    }

    std::tuple<TypedLeg<A>...> legs_;
  };

 private:
  std::tuple<A...> ops_;
};

}  // namespace detail

/// Waits until at least one of `ops` has completed, and gives the results of all that have: a tuple
/// of `std::optional<Result<T>>`, one for each. An empty one stands for an operation that is left
/// as if it had never been started: a receive has taken no byte, an accept no client, a mailbox
/// still holds its message. Whatever had completed when the first was seen is in the tuple too, so
/// look at each; none is lost.
///
///     auto [data, asked] = co_await select(peer.receive(), leave.wait());
///     if (data) {
///       Lease lease = co_await std::move(*data);     // ends here if the receive failed
///       …
///     }
///     if (asked) …
///
/// An operation that fails has completed: its error is its result. All are started each time, in
/// order, so none can starve the others. Those that have not completed are asked to stop and waited
/// for; one that completes all the same is in the tuple. A stop from outside (and with it a
/// deadline round the select) reaches all of them: what completed before is given; only if nothing
/// did, the select fails, with `operation_canceled`.
///
/// What cannot be left as it was does not compile: `write_all`, of which some bytes may have gone
/// (`write_some` is left whole), and a mailbox's send of a message that can only be moved. A
/// message that is copied into a send, or a `Payload` into a push, is still the sender's; one that
/// was moved there is destroyed if the send is left.
///
/// `ops` are operations: of sockets, streams, listeners and mailboxes, `Event::wait`, `sleep`; also
/// `with_timeout(limit, op)`. A task may be one as well. It too is stopped and waited for, and its
/// result kept; but what a task had consumed in steps before it was stopped is the task's to keep:
/// `read_until` keeps it in its buffer, `read_exact` does not; and what it had sent has gone.
/// Allocates nothing.
template <detail::Awaitable... A>
  requires(sizeof...(A) > 0)
[[nodiscard]] detail::Select<A...> select(A... ops) noexcept {
  return detail::Select<A...>(std::move(ops)...);
}

}  // namespace ieum
#pragma GCC visibility pop
