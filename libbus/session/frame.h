// The bytes of one outgoing frame, counted: the session keeps what is not yet
// safe while the socket may still be writing it. Blocks come from a pool, so
// that a steady stream allocates nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace bus::session {

class FramePool;

class Frame {
  public:
    Frame() = default;
    Frame(const Frame& other) noexcept;
    Frame(Frame&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    Frame& operator=(Frame other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~Frame();

    explicit operator bool() const noexcept { return block_ != nullptr; }
    Bytes bytes() const noexcept;
    // For whoever is alone with it.
    std::byte* data() noexcept;
    std::size_t capacity() const noexcept;
    void set_size(std::size_t size) noexcept;
    // Somebody else holds it as well.
    bool is_shared() const noexcept;

    // Gives this reference away as a pointer for a C callback; adopt() takes it back, on any
    // thread.
    void* release() noexcept { return std::exchange(block_, nullptr); }
    static Frame adopt(void* released) noexcept;

  private:
    friend class FramePool;
    struct Block;
    explicit Frame(Block* block) noexcept : block_(block) {}
    Block* block_ = nullptr;
};

// Any thread. Must outlive its frames.
class FramePool {
  public:
    // Keeps at most `idle_bytes_max` of blocks that nobody uses.
    explicit FramePool(std::size_t idle_bytes_max);
    ~FramePool();
    FramePool(const FramePool&) = delete;
    FramePool& operator=(const FramePool&) = delete;

    // A frame with room for `capacity` bytes at least, size 0.
    Frame make(std::size_t capacity);
    // A frame of its own with these bytes.
    Frame copy(Bytes bytes);

    std::size_t idle_bytes() const;
    // Blocks ever taken from the heap: stands still in a steady state.
    std::uint64_t allocations() const;

  private:
    friend class Frame;
    void put_back(Frame::Block* block) noexcept;

    const std::size_t idle_bytes_max_;
    mutable std::mutex mutex_;
    std::vector<std::vector<Frame::Block*>> idle_;  // by size class
    std::size_t idle_bytes_ = 0;
    std::uint64_t allocations_ = 0;
};

}  // namespace bus::session
