#include "hub/storage/failing_vfs.hpp"

#include <sqlite3.h>

#include <cstddef>
#include <fstream>
#include <map>
#include <mutex>
#include <string_view>
#include <vector>

namespace ieum::hub::test {

std::atomic<int> FailingVfs::write_error = 0;
std::atomic<int> FailingVfs::sync_error = 0;
std::atomic<long> FailingVfs::bytes_left = 0;
std::atomic<int> FailingVfs::syncs = 0;
std::atomic<bool> FailingVfs::held = false;

namespace {

sqlite3_vfs* system_vfs() {
  static sqlite3_vfs* const vfs = sqlite3_vfs_find("unix");
  return vfs;
}

/// The system's file lies behind it in the memory that SQLite gives.
struct File {
  sqlite3_file base;
  const char* path;  // SQLite keeps it while the file is open; null for a temporary one
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<File*>(file)->real(); }

/// What is known to be on the disk.
struct Disk {
  struct Image {
    std::string synced;
    std::vector<std::pair<std::size_t, std::string>> since;  // writes in their order, and where to
  };
  static void apply(std::string& content, std::size_t at, std::string_view data) {
    if (content.size() < at + data.size()) content.resize(at + data.size());
    content.replace(at, data.size(), data);
  }
  std::mutex mutex;
  bool records = false;
  std::map<std::string, Image> images;
};
Disk disk;

void remember(sqlite3_file* file, const void* data, int bytes, sqlite3_int64 offset) {
  const char* path = reinterpret_cast<File*>(file)->path;
  const std::lock_guard lock(disk.mutex);
  if (!disk.records || path == nullptr) return;
  disk.images[path].since.emplace_back(
      static_cast<std::size_t>(offset),
      std::string(static_cast<const char*>(data), static_cast<std::size_t>(bytes)));
}

void remember_sync(sqlite3_file* file) {
  const char* path = reinterpret_cast<File*>(file)->path;
  const std::lock_guard lock(disk.mutex);
  if (!disk.records || path == nullptr) return;
  Disk::Image& image = disk.images[path];
  for (const auto& [at, data] : image.since) Disk::apply(image.synced, at, data);
  image.since.clear();
}

int write(sqlite3_file* file, const void* data, int bytes, sqlite3_int64 offset) {
  const int error = FailingVfs::write_error;
  if (error != 0 && (FailingVfs::bytes_left -= bytes) < 0) return error;
  const int code = real(file)->pMethods->xWrite(real(file), data, bytes, offset);
  if (code == SQLITE_OK) remember(file, data, bytes, offset);
  return code;
}
int sync(sqlite3_file* file, int flags) {
  ++FailingVfs::syncs;
  FailingVfs::held.wait(true);
  const int error = FailingVfs::sync_error;
  if (error != 0) return error;
  const int code = real(file)->pMethods->xSync(real(file), flags);
  if (code == SQLITE_OK) remember_sync(file);
  return code;
}

const sqlite3_io_methods methods = {
    3,
    [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); },
    [](sqlite3_file* f, void* into, int bytes, sqlite3_int64 at) {
      return real(f)->pMethods->xRead(real(f), into, bytes, at);
    },
    write,
    [](sqlite3_file* f, sqlite3_int64 size) { return real(f)->pMethods->xTruncate(real(f), size); },
    sync,
    [](sqlite3_file* f, sqlite3_int64* size) {
      return real(f)->pMethods->xFileSize(real(f), size);
    },
    [](sqlite3_file* f, int level) { return real(f)->pMethods->xLock(real(f), level); },
    [](sqlite3_file* f, int level) { return real(f)->pMethods->xUnlock(real(f), level); },
    [](sqlite3_file* f, int* out) { return real(f)->pMethods->xCheckReservedLock(real(f), out); },
    [](sqlite3_file* f, int op, void* argument) {
      return real(f)->pMethods->xFileControl(real(f), op, argument);
    },
    [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); },
    [](sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); },
    [](sqlite3_file* f, int page, int size, int extend, void volatile** into) {
      return real(f)->pMethods->xShmMap(real(f), page, size, extend, into);
    },
    [](sqlite3_file* f, int offset, int n, int flags) {
      return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
    },
    [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); },
    [](sqlite3_file* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); },
    [](sqlite3_file* f, sqlite3_int64 at, int bytes, void** into) {
      return real(f)->pMethods->xFetch(real(f), at, bytes, into);
    },
    [](sqlite3_file* f, sqlite3_int64 at, void* page) {
      return real(f)->pMethods->xUnfetch(real(f), at, page);
    },
};

int open(sqlite3_vfs* /*vfs*/, const char* path, sqlite3_file* file, int flags, int* out) {
  file->pMethods = nullptr;
  reinterpret_cast<File*>(file)->path = path;
  const int code = system_vfs()->xOpen(system_vfs(), path, real(file), flags, out);
  if (code == SQLITE_OK) file->pMethods = &methods;
  return code;
}

}  // namespace

void FailingVfs::install() {
  write_error = 0;
  sync_error = 0;
  bytes_left = 0;
  {
    const std::lock_guard lock(disk.mutex);
    disk.records = false;
    disk.images.clear();
  }
  static sqlite3_vfs vfs = [] {
    sqlite3_vfs made = *system_vfs();
    made.zName = name;
    made.szOsFile += static_cast<int>(sizeof(File));
    made.xOpen = open;
    // The rest gets our vfs, whose data is a copy of the system's, as that expects.
    return made;
  }();
  sqlite3_vfs_register(&vfs, 0);
}

void FailingVfs::record() {
  const std::lock_guard lock(disk.mutex);
  disk.records = true;
}

void FailingVfs::cut_power(const std::string& from, const std::string& to,
                           std::mt19937_64& random) {
  constexpr std::size_t sector = 512;
  const std::lock_guard lock(disk.mutex);
  for (const char* part : {"", "-wal"}) {
    const Disk::Image& image = disk.images[from + part];
    std::string content = image.synced;
    for (const auto& [at, data] : image.since) {
      std::string_view rest(data);
      const std::uint64_t fate = random() % 3;
      if (fate == 0) continue;
      if (fate == 1) rest = rest.substr(0, random() % (rest.size() / sector + 1) * sector);
      Disk::apply(content, at, rest);
    }
    std::ofstream(to + part, std::ios::binary) << content;
  }
}

}  // namespace ieum::hub::test
