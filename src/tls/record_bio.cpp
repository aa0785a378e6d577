// RecordBio: the only copy between the stream beneath and OpenSSL's own buffers.
#include "tls/record_bio.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace ieum::tls {

namespace {

/// Set when the thread's list is destroyed, which sessions may outlive: those in its other
/// thread_local objects, or in the program's static ones.
thread_local constinit bool has_no_list = false;

/// Of this thread.
struct FreeBuffers {
  OutBuffer* first = nullptr;
  std::size_t count = 0;
  FreeBuffers() noexcept = default;
  FreeBuffers(const FreeBuffers&) = delete;
  FreeBuffers& operator=(const FreeBuffers&) = delete;
  ~FreeBuffers() {
    has_no_list = true;
    while (first != nullptr) delete std::exchange(first, first->next);
  }
};
thread_local FreeBuffers free_buffers;

}  // namespace

OutBuffer* OutBuffer::take() noexcept {
  if (has_no_list || free_buffers.first == nullptr)
    return new (std::nothrow) OutBuffer;  // not cleared
  --free_buffers.count;
  return std::exchange(free_buffers.first, free_buffers.first->next);
}

void OutBuffer::give_back(OutBuffer& buffer) noexcept {
  if (has_no_list || free_buffers.count == free_max) {
    delete &buffer;
    return;
  }
  ++free_buffers.count;
  buffer.next = std::exchange(free_buffers.first, &buffer);
}

RecordBio::~RecordBio() {
  if (out_ != nullptr) OutBuffer::give_back(*out_);
}

BIO* RecordBio::make() noexcept {
  const BIO_METHOD* const our_method = method();
  BIO* const bio = our_method != nullptr ? BIO_new(our_method) : nullptr;
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  return bio;
}

void RecordBio::feed(Lease more) noexcept {
  has_ended_ = more.empty();
  in_total += more.size();
  in_ = std::move(more);
}

void RecordBio::sent(std::size_t count) noexcept {
  out_at_ += count;
  if (out_at_ < out_size_) return;
  OutBuffer::give_back(*std::exchange(out_, nullptr));
  out_at_ = out_size_ = 0;
}

void RecordBio::come_back() noexcept {
  is_elsewhere_ = false;
  in_.remove_prefix(std::exchange(in_at_, 0));
}

int RecordBio::read(BIO* bio, char* into, std::size_t size, std::size_t* count) noexcept {
  RecordBio& self = of(bio);
  BIO_clear_retry_flags(bio);
  *count = std::min(size, self.in_.size() - self.in_at_);
  if (*count == 0) {
    if (!self.has_ended_) BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(into, self.in_.data() + self.in_at_, *count);
  if (self.is_elsewhere_) {
    self.in_at_ += *count;
  } else {
    self.in_.remove_prefix(*count);
  }
  return 1;
}

int RecordBio::write(BIO* bio, const char* from, std::size_t size, std::size_t* count) noexcept {
  RecordBio& self = of(bio);
  BIO_clear_retry_flags(bio);
  if (self.out_ == nullptr) self.out_ = OutBuffer::take();
  if (self.out_ == nullptr) return 0;
  if (size > OutBuffer::bytes - self.out_size_) {
    self.has_overflowed_ = true;
    return 0;
  }
  std::memcpy(self.out_->data + self.out_size_, from, size);
  self.out_size_ += size;
  self.out_total += size;
  *count = size;
  return 1;
}

long RecordBio::control(BIO* bio, int what, long /*number*/, void* /*pointer*/) noexcept {
  const RecordBio& self = of(bio);
  switch (what) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return self.has_ended_ && self.in_.size() == self.in_at_ ? 1 : 0;
    case BIO_CTRL_PENDING: return static_cast<long>(self.in_.size() - self.in_at_);
    case BIO_CTRL_WPENDING: return 0;
    default: return 0;
  }
}

const BIO_METHOD* RecordBio::method() noexcept {
  // For the program's life.
  static const std::unique_ptr<BIO_METHOD, Freed<BIO_meth_free>> made = [] {
    std::unique_ptr<BIO_METHOD, Freed<BIO_meth_free>> fresh(
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ieum stream"));
    if (fresh == nullptr) return fresh;
    BIO_meth_set_read_ex(fresh.get(), &RecordBio::read);
    BIO_meth_set_write_ex(fresh.get(), &RecordBio::write);
    BIO_meth_set_ctrl(fresh.get(), &RecordBio::control);
    return fresh;
  }();
  return made.get();
}

}  // namespace ieum::tls
