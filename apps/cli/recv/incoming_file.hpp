// IncomingFile: a file that is received: under a name of its own until it is whole, right and on
// the disk.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>

#include <ieum/descriptor.hpp>
#include <ieum/error.hpp>
#include <ieum/result.hpp>

#include "transfer/safe_folder.hpp"
#include "transfer/sha256.hpp"

namespace ieum::cli {

/// All that blocks is for a thread of the pool.
class IncomingFile {
 public:
  IncomingFile(std::string name, std::uint64_t size, std::uint32_t mode, std::int64_t modified_ns);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  [[nodiscard]] Sha256::Digest digest() const { return hash_.digest(); }
  /// Nothing was received: what is there is the file already.
  [[nodiscard]] bool is_same() const noexcept { return is_same_; }
  void mark_same() noexcept { is_same_ = true; }

  /// What is there: 'n' nothing, 'p' a part, 'c' a whole file of this name and size, 'd' one of
  /// another size. `offset` and `digest` are of that. Blocks.
  [[nodiscard]] Result<char> look(const SafeFolder& folder);
  /// Opens the part, and cuts it to `from` bytes, which have been looked at. Errors:
  /// `device_or_resource_busy`, another one writes it. Blocks.
  [[nodiscard]] Result<> begin(const SafeFolder& folder, std::uint64_t from);
  [[nodiscard]] Result<> write(std::span<const std::byte> data);
  /// It has begun, and not ended.
  [[nodiscard]] bool is_open() const noexcept { return file_.is_open(); }
  /// Its permissions and times; closes it. Blocks.
  [[nodiscard]] Result<> end();
  /// Of what is worth nothing. Blocks.
  void remove(const SafeFolder& folder);
  /// To the disk. Blocks.
  [[nodiscard]] Result<> sync(const SafeFolder& folder) const;
  /// Gives it its name. Errors: `file_exists`. Blocks.
  [[nodiscard]] Result<> publish(const SafeFolder& folder, bool overwrites) const;
  /// The folders that it is in, up to `folder`, to the disk. Blocks.
  [[nodiscard]] Result<> sync_folders(const SafeFolder& folder) const;

 private:
  [[nodiscard]] Result<> hash_all(int number, std::uint64_t size);

  std::string name_;
  std::string part_;  // its name until then, without its folder
  std::uint64_t size_;
  std::uint32_t mode_;
  std::int64_t modified_ns_;
  std::uint64_t offset_ = 0;
  std::uint64_t on_its_way_ = 0;  // to the disk
  Sha256 hash_;
  Descriptor file_;
  bool is_same_ = false;
};

}  // namespace ieum::cli
