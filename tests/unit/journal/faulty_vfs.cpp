#include "faulty_vfs.h"

#include <doctest/doctest.h>
#include <sqlite3.h>

namespace bus::journal {
namespace {

// What SQLite calls a file: its methods first, then ours.
struct File {
    sqlite3_file base;
    sqlite3_file* real;
};

sqlite3_vfs* real_vfs() { return static_cast<sqlite3_vfs*>(sqlite3_vfs_find(nullptr)); }
sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<File*>(file)->real; }

bool fails(std::atomic<int>& left) {
    if (left > 0) return left-- > 0;
    return left < 0;
}

int close(sqlite3_file* file) { return real(file)->pMethods->xClose(real(file)); }
int read(sqlite3_file* file, void* to, int count, sqlite3_int64 at) {
    if (fails(FaultyVfs::faults().reads)) return SQLITE_IOERR_READ;
    return real(file)->pMethods->xRead(real(file), to, count, at);
}
int write(sqlite3_file* file, const void* from, int count, sqlite3_int64 at) {
    if (fails(FaultyVfs::faults().room)) return SQLITE_FULL;
    if (fails(FaultyVfs::faults().writes)) return SQLITE_IOERR_WRITE;
    return real(file)->pMethods->xWrite(real(file), from, count, at);
}
int truncate(sqlite3_file* file, sqlite3_int64 size) {
    return real(file)->pMethods->xTruncate(real(file), size);
}
int sync(sqlite3_file* file, int flags) {
    if (fails(FaultyVfs::faults().syncs)) return SQLITE_IOERR_FSYNC;
    return real(file)->pMethods->xSync(real(file), flags);
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
    return real(file)->pMethods->xFileSize(real(file), size);
}
int lock(sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); }
int unlock(sqlite3_file* file, int level) {
    return real(file)->pMethods->xUnlock(real(file), level);
}
int check_lock(sqlite3_file* file, int* locked) {
    return real(file)->pMethods->xCheckReservedLock(real(file), locked);
}
int control(sqlite3_file* file, int op, void* argument) {
    return real(file)->pMethods->xFileControl(real(file), op, argument);
}
int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int characteristics(sqlite3_file* file) {
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

// Version 1: no shared memory, which locking_mode=EXCLUSIVE does without.
const sqlite3_io_methods methods = [] {
    sqlite3_io_methods all{};
    all.iVersion = 1;
    all.xClose = close;
    all.xRead = read;
    all.xWrite = write;
    all.xTruncate = truncate;
    all.xSync = sync;
    all.xFileSize = file_size;
    all.xLock = lock;
    all.xUnlock = unlock;
    all.xCheckReservedLock = check_lock;
    all.xFileControl = control;
    all.xSectorSize = sector_size;
    all.xDeviceCharacteristics = characteristics;
    return all;
}();

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
    auto* ours = reinterpret_cast<File*>(file);
    ours->real = reinterpret_cast<sqlite3_file*>(ours + 1);
    const int result = real_vfs()->xOpen(real_vfs(), name, ours->real, flags, out);
    ours->base.pMethods = result == SQLITE_OK ? &methods : nullptr;
    return result;
}

sqlite3_vfs faulty{};

}  // namespace

FaultyVfs::Faults& FaultyVfs::faults() {
    static Faults all;
    return all;
}

FaultyVfs::FaultyVfs() {
    faulty = *real_vfs();  // everything but open is the default's own
    faulty.zName = name;
    faulty.pNext = nullptr;
    faulty.szOsFile += static_cast<int>(sizeof(File));
    faulty.xOpen = open;
    REQUIRE(sqlite3_vfs_register(&faulty, 0) == SQLITE_OK);
}

FaultyVfs::~FaultyVfs() {
    faults().syncs = faults().writes = faults().room = faults().reads = 0;
    sqlite3_vfs_unregister(&faulty);
}

}  // namespace bus::journal
