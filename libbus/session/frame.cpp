#include "session/frame.h"

#include <array>
#include <cstring>
#include <new>

#include "base/assert.h"
#include "wire/bounds.h"

namespace bus::session {

struct Frame::Block {
    FramePool* pool;
    std::uint32_t capacity;
    std::uint32_t size;
    std::atomic<std::uint32_t> owners;
    std::uint32_t size_class;

    std::byte* bytes() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
};

namespace {
constexpr std::array<std::uint32_t, 6> class_bytes{256,      512,       2 * 1024,
                                                   8 * 1024, 32 * 1024, wire::frame_bytes_max};

std::uint32_t class_for(std::size_t capacity) {
    for (std::uint32_t i = 0; i < class_bytes.size(); ++i)
        if (capacity <= class_bytes[i]) return i;
    BUS_ASSERT(!"no frame is larger than frame_bytes_max");
    return 0;
}
}  // namespace

Frame::Frame(const Frame& other) noexcept : block_(other.block_) {
    if (block_) block_->owners.fetch_add(1, std::memory_order_relaxed);
}

Frame::~Frame() {
    if (block_ && block_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1)
        block_->pool->put_back(block_);
}

Bytes Frame::bytes() const noexcept {
    return block_ ? Bytes{block_->bytes(), block_->size} : Bytes{};
}

std::byte* Frame::data() noexcept { return block_->bytes(); }

std::size_t Frame::capacity() const noexcept { return block_->capacity; }

void Frame::set_size(std::size_t size) noexcept {
    BUS_ASSERT(size <= block_->capacity);
    block_->size = static_cast<std::uint32_t>(size);
}

bool Frame::is_shared() const noexcept {
    return block_->owners.load(std::memory_order_acquire) > 1;
}

Frame Frame::adopt(void* released) noexcept { return Frame{static_cast<Block*>(released)}; }

FramePool::FramePool(std::size_t idle_bytes_max)
    : idle_bytes_max_(idle_bytes_max), idle_(class_bytes.size()) {}

FramePool::~FramePool() {
    for (auto& blocks : idle_)
        for (auto* block : blocks) ::operator delete(block);
}

Frame FramePool::make(std::size_t capacity) {
    const auto size_class = class_for(capacity);
    Frame::Block* block = nullptr;
    {
        std::lock_guard lock{mutex_};
        auto& blocks = idle_[size_class];
        if (!blocks.empty()) {
            block = blocks.back();
            blocks.pop_back();
            idle_bytes_ -= block->capacity;
        } else {
            ++allocations_;
        }
    }
    if (!block) {
        void* memory = ::operator new(sizeof(Frame::Block) + class_bytes[size_class]);
        block = new (memory) Frame::Block{.pool = this,
                                          .capacity = class_bytes[size_class],
                                          .size = 0,
                                          .owners = 1,
                                          .size_class = size_class};
    }
    block->size = 0;
    block->owners.store(1, std::memory_order_relaxed);
    return Frame{block};
}

Frame FramePool::copy(Bytes bytes) {
    Frame frame = make(bytes.size());
    std::memcpy(frame.data(), bytes.data(), bytes.size());
    frame.set_size(bytes.size());
    return frame;
}

void FramePool::put_back(Frame::Block* block) noexcept {
    {
        std::lock_guard lock{mutex_};
        auto& blocks = idle_[block->size_class];
        if (idle_bytes_ + block->capacity <= idle_bytes_max_) {
            blocks.push_back(block);
            idle_bytes_ += block->capacity;
            return;
        }
    }
    ::operator delete(block);
}

std::size_t FramePool::idle_bytes() const {
    std::lock_guard lock{mutex_};
    return idle_bytes_;
}

std::uint64_t FramePool::allocations() const {
    std::lock_guard lock{mutex_};
    return allocations_;
}

}  // namespace bus::session
