// ThreadSanitizer does not see inside the system's libzmq, and so not how it
// orders what one thread sends before what another does with it. These two
// lines around send and receive tell it; in other builds they are nothing.
#pragma once

#if defined(__SANITIZE_THREAD__)
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#endif

namespace bus {

#if defined(__SANITIZE_THREAD__)
inline void tsan_acquire(void* address) { __tsan_acquire(address); }
inline void tsan_release(void* address) { __tsan_release(address); }
#else
inline void tsan_acquire(void*) {}
inline void tsan_release(void*) {}
#endif

}  // namespace bus
