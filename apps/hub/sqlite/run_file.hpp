// RunFile: what tells that a database is the one that this hub last wrote, not a copy of it.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

namespace ieum::hub {

/// The file `PATH.run` beside the database: how many times the hub began and ended, and how many
/// entries were durable at least. The database has the same figures; one that was copied back by
/// hand has lower ones. While it is open, no other hub opens it (flock(2)).
class RunFile {
 public:
  struct Figures {
    std::uint64_t run = 0;
    std::uint64_t entries = 0;
    friend bool operator==(const Figures&, const Figures&) = default;
  };

  /// Makes it if it is not there, readable by its owner only. The reason if it cannot be had.
  [[nodiscard]] static std::expected<RunFile, std::string> open(const std::string& database_path);
  [[nodiscard]] static std::string path_of(const std::string& database_path) {
    return database_path + ".run";
  }

  RunFile(RunFile&& other) noexcept;
  RunFile& operator=(RunFile&&) = delete;
  ~RunFile();

  /// Nothing: it is new, or was never written to the end.
  [[nodiscard]] std::optional<Figures> read() const;
  /// False: it could not be written. With `sync`, survives a power cut.
  bool write(const Figures& figures, bool sync) const noexcept;

 private:
  explicit RunFile(int descriptor) noexcept : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace ieum::hub
