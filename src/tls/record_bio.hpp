// RecordBio: where OpenSSL reads and writes ciphertext: from what has come of the stream beneath,
// into a buffer for it.
#pragma once

#include <cstddef>
#include <memory>

#include <ieum/lease.hpp>

#include "tls/openssl.hpp"

namespace ieum::tls {

/// Ciphertext for the stream beneath: four full records, and room for what OpenSSL writes by itself
/// (alerts, tickets, new keys). Taken from a list of the thread's while there is something in it.
struct OutBuffer {
  static constexpr std::size_t record_bytes_max = 16 * 1024;  // of plaintext
  static constexpr std::size_t records = 4;
  static constexpr std::size_t overhead_bytes_max = 256;
  static constexpr std::size_t slack_bytes = std::size_t{24} * 1024;
  static constexpr std::size_t bytes =
      records * (record_bytes_max + overhead_bytes_max) + slack_bytes;
  static constexpr std::size_t free_max = 16;  // kept by a thread

  OutBuffer* next = nullptr;
  std::byte data[bytes];

  /// Null for want of memory.
  static OutBuffer* take() noexcept;
  static void give_back(OutBuffer& buffer) noexcept;
};

/// Belongs to one session. OpenSSL is never told to try a write again, because with a write pending
/// it has mistaken itself with new keys (KeyUpdate): it takes all, and what goes beyond the buffer
/// is the session's end.
class RecordBio {
 public:
  RecordBio() noexcept = default;
  RecordBio(const RecordBio&) = delete;
  RecordBio& operator=(const RecordBio&) = delete;
  ~RecordBio();

  /// For `SSL_set_bio`, with this as its data; must not outlive it. Null for want of memory.
  [[nodiscard]] BIO* make() noexcept;

  /// What has come; an empty lease is the end. Only when all before it is used.
  void feed(Lease more) noexcept;
  [[nodiscard]] bool has_input() const noexcept { return !in_.empty(); }
  [[nodiscard]] std::size_t input_bytes() const noexcept { return in_.size(); }
  [[nodiscard]] bool has_ended() const noexcept { return has_ended_; }
  /// OpenSSL had more to write than the buffer takes.
  [[nodiscard]] bool has_overflowed() const noexcept { return has_overflowed_; }

  /// What is to go out, and that so much of it has gone.
  [[nodiscard]] ConstBuffer unsent() const noexcept {
    if (out_ == nullptr) return {};
    return ConstBuffer(out_->data + out_at_, out_size_ - out_at_);
  }
  void sent(std::size_t count) noexcept;

  /// Bytes that have come in, and that OpenSSL has written, so far.
  std::size_t in_total = 0;
  std::size_t out_total = 0;
  /// Another thread computes the handshake until `come_back`: what belongs to this one is not given
  /// back meanwhile.
  void go_elsewhere() noexcept { is_elsewhere_ = true; }
  void come_back() noexcept;

 private:
  static int read(BIO* bio, char* into, std::size_t size, std::size_t* count) noexcept;
  static int write(BIO* bio, const char* from, std::size_t size, std::size_t* count) noexcept;
  static long control(BIO* bio, int what, long number, void* pointer) noexcept;
  static const BIO_METHOD* method() noexcept;
  static RecordBio& of(BIO* bio) noexcept { return *static_cast<RecordBio*>(BIO_get_data(bio)); }

  Lease in_;
  bool is_elsewhere_ = false;
  std::size_t in_at_ = 0;  // while it is elsewhere; else what is used is left off
  bool has_ended_ = false;
  bool has_overflowed_ = false;
  OutBuffer* out_ = nullptr;
  std::size_t out_at_ = 0;
  std::size_t out_size_ = 0;
};

}  // namespace ieum::tls
