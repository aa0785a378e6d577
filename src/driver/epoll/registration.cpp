// The epoll driver's registration: what it asks epoll(7) to tell of a descriptor.
#include "driver/epoll/epoll_driver.hpp"

namespace ieum::detail::epoll {

int EpollDriver::watch(int handle, Slot& at) noexcept {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
  event.data.u64 = static_cast<std::uint32_t>(handle) | std::uint64_t{at.generation} << 32U;
  int status = ::epoll_ctl(epoll_, at.polled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, handle, &event);
  // A former owner of the number had the same file, which others have kept open.
  if (status < 0 && errno == EEXIST) status = ::epoll_ctl(epoll_, EPOLL_CTL_MOD, handle, &event);
  if (status < 0) return -errno;
  at.polled = false;
  at.watched = true;
  return 0;
}

/// For one event, so that a descriptor whose owner closes it meanwhile, while others keep its file,
/// tells of itself once and not for ever. With nobody waiting there is nothing to register for.
int EpollDriver::poll_foreign(int handle, Slot& at) noexcept {
  epoll_event event{};
  event.events =
      (at.in != nullptr ? EPOLLIN | EPOLLRDHUP : 0U) | (at.out != nullptr ? EPOLLOUT : 0U);
  event.data.u64 = static_cast<std::uint32_t>(handle) | std::uint64_t{at.generation} << 32U;
  if (event.events == 0) {
    at.polled = false;
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, handle, nullptr);  // its owner may have closed it already
    return 0;
  }
  event.events |= EPOLLONESHOT;
  int status = ::epoll_ctl(epoll_, at.polled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, handle, &event);
  if (status < 0 && (errno == ENOENT || errno == EEXIST)) {
    status = ::epoll_ctl(epoll_, errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, handle, &event);
  }
  if (status < 0) return -errno;
  at.polled = true;
  return 0;
}

/// Datagram sockets are registered level-triggered: a receive need not be tried until it finds
/// nothing before it may wait. Room to send is asked for only while somebody waits for it.
int EpollDriver::watch_datagrams(int handle, Slot& at, std::uint32_t events) noexcept {
  if (events == at.level) return 0;
  epoll_event event{};
  event.events = events;
  event.data.u64 = static_cast<std::uint32_t>(handle) | std::uint64_t{at.generation} << 32U;
  const int what = at.level == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  int status = ::epoll_ctl(epoll_, what, handle, &event);
  // A former owner of the number had the same file, which others have kept open.
  if (status < 0 && errno == EEXIST) status = ::epoll_ctl(epoll_, EPOLL_CTL_MOD, handle, &event);
  if (status < 0) return -errno;
  at.level = events;
  at.polled = false;
  return 0;
}

/// Out of epoll before the number goes: a file that others keep open (a forked child, a dup) stays
/// registered, and what happens to it would be told for ever.
void EpollDriver::forget(int handle, Slot& at) noexcept {
  if (at.watched || at.polled || at.level != 0) {
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, handle, nullptr);
  }
  fresh_slot(handle, false, false);
}

}  // namespace ieum::detail::epoll
