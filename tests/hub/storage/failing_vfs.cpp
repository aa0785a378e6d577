#include "hub/storage/failing_vfs.hpp"

#include <sqlite3.h>

#include <cstddef>
#include <new>

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
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<File*>(file)->real(); }

int write(sqlite3_file* file, const void* data, int bytes, sqlite3_int64 offset) {
  const int error = FailingVfs::write_error;
  if (error != 0 && (FailingVfs::bytes_left -= bytes) < 0) return error;
  return real(file)->pMethods->xWrite(real(file), data, bytes, offset);
}
int sync(sqlite3_file* file, int flags) {
  ++FailingVfs::syncs;
  FailingVfs::held.wait(true);
  const int error = FailingVfs::sync_error;
  if (error != 0) return error;
  return real(file)->pMethods->xSync(real(file), flags);
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
  const int code = system_vfs()->xOpen(system_vfs(), path, real(file), flags, out);
  if (code == SQLITE_OK) file->pMethods = &methods;
  return code;
}

}  // namespace

void FailingVfs::install() {
  write_error = 0;
  sync_error = 0;
  bytes_left = 0;
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

}  // namespace ieum::hub::test
