// Leaf: how waiting begins and ends.
#include <ieum/detail/leaf.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <ieum/detail/loop.hpp>

#include "base/driver.hpp"
#include "base/operation_name.hpp"

namespace ieum::detail {

void Leaf::finish(Loop& loop) noexcept {
  unlink();
  --loop.pending_;
  if (result >= 0) {
    if (Frame* frame = waiter_->ended(nullptr)) loop.enqueue_resume(*frame);
    return;
  }
  Error error = this->error();
  if (Frame* frame = waiter_->failed(error)) loop.abandon(*frame, error);
}

Start Leaf::refuse_second([[maybe_unused]] const char* what) noexcept {
#ifdef IEUM_DEBUG
  std::fprintf(stderr,
               "ieum: %s: %s was begun while %s is pending on it: at most one at a time; await the "
               "first one before\n",
               name(), what, what);
  std::abort();
#else
  return at_once(-EBUSY);
#endif
}

namespace {

void tell_second(Error& error, const char* second, const char* first) noexcept {
  std::array<char, Error::detail_bytes_max> text{};
  std::snprintf(text.data(), text.size(), "%s was begun while %s is pending on it", second, first);
  error.set_detail(text.data());
}

}  // namespace

Error Leaf::second_error(const char* what) const noexcept {
  Error error(std::errc::device_or_resource_busy, name());
  tell_second(error, what, what);
  return error;
}

Error Leaf::error_at(const Address& at) const noexcept {
  Error error = Error::from_errno(static_cast<int>(-result), name(), at);
  if (result == -EBUSY && buffer != 0) {  // the driver refused it for another one
    tell_second(error, name_of(kind), name_of(static_cast<Kind>(buffer)));
  }
  return error;
}

void Leaf::describe(std::string& text, int depth) const {
  text.append(static_cast<std::size_t>(depth) * 2, ' ');
  text += name();
  const std::string at = error().address().to_string();
  if (!at.empty()) text.append(" ").append(at);
  text += "\n";
  for (const Frame* frame = waiter_->awaiting_frame(); frame != nullptr;
       frame = frame->waiter->awaiting_frame()) {
    text.append(static_cast<std::size_t>(depth) * 2 + 2, ' ');
    text.append("awaited at ").append(frame->where.file_name()).append(":");
    text.append(std::to_string(frame->where.line())).append(" in ");
    text.append(frame->where.function_name()).append("\n");
  }
}

Start DriverLeaf::start(Waiter& waiter, Scope& scope) noexcept {
  if (scope.stopped()) return at_once(-ECANCELED);
  if (handle < 0 && kind != Kind::lease) return at_once(-EBADF);
  Loop& loop = scope.loop();
  if (!belongs_to(loop)) [[unlikely]] {
    IEUM_ASSERT(
        !this->loop().is_left_behind(),
        "a socket made before fork() is used in the child on another runtime: move it there "
        "by detach() and attach()");
    IEUM_ASSERT(false, "a socket is used on a runtime that it was not made on");
  }
  if (loop.driver().submit(*this)) return at_once();
  wait_in(waiter, scope);
  return {};
}

void DriverLeaf::on_stop() noexcept { loop().cancel(*this); }

}  // namespace ieum::detail
