// A forked child has the parent's memory but none of its threads, and perhaps
// its locks held for ever: whatever was made before the fork counts as closed
// there, and is neither locked nor freed.
#pragma once

namespace bus::client {

// Counts forks above this process, since libbus was first used. Cheap.
unsigned fork_generation() noexcept;

}  // namespace bus::client
