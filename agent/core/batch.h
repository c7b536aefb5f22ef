// A batch in the agent: libbus's bytes, immutable and counted. Whoever made it
// (the io edge from a received frame, the journal from a row, a test from a
// vector) owns the memory through the holder; the last reader releases it, on
// whatever thread that is.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "wire/batch.h"

namespace bus::core {

// The memory of a batch. Derived classes own it.
class BatchMemory {
  public:
    virtual ~BatchMemory() = default;
    Bytes bytes() const noexcept { return bytes_; }
    const wire::BatchHeader& header() const noexcept { return header_; }
    // Of these bytes.
    virtual BatchMemory& owner() noexcept { return *this; }

  protected:
    // The header must be the decoding of these bytes. May be called once, from a constructor.
    void set(Bytes bytes, const wire::BatchHeader& header) noexcept {
        bytes_ = bytes;
        header_ = header;
    }

  private:
    Bytes bytes_;
    wire::BatchHeader header_;  // its channel points into bytes_
};

class Batch {
  public:
    Batch() = default;
    explicit Batch(std::shared_ptr<BatchMemory> memory) noexcept : memory_(std::move(memory)) {}

    explicit operator bool() const noexcept { return memory_ != nullptr; }
    const wire::BatchHeader& header() const noexcept { return memory_->header(); }
    Bytes bytes() const noexcept { return memory_->bytes(); }
    Bytes body() const noexcept { return bytes().subspan(header().header_length); }
    std::size_t size() const noexcept { return bytes().size(); }
    std::uint32_t messages() const noexcept { return header().message_count; }
    // For the edge that made it and wants its frame back.
    const std::shared_ptr<BatchMemory>& memory() const noexcept { return memory_; }

  private:
    std::shared_ptr<BatchMemory> memory_;
};

// The same bytes, for a subscription group.
class GroupBatch final : public BatchMemory {
  public:
    GroupBatch(std::shared_ptr<BatchMemory> batch, std::string_view group)
        : batch_(std::move(batch)), group_(group) {
        auto header = batch_->header();
        header.group = group_;
        set(batch_->bytes(), header);
    }
    BatchMemory& owner() noexcept override { return *batch_; }

  private:
    std::shared_ptr<BatchMemory> batch_;
    std::string group_;
};
// `group`: its address; empty: as it is.
inline Batch for_group(Batch batch, std::string_view group) {
    if (group.empty() || !batch) return batch;
    return Batch{std::make_shared<GroupBatch>(batch.memory(), group)};
}

// A batch in a vector of its own: what the journal reads back, and what tests make.
class OwnedBatch final : public BatchMemory {
  public:
    // nullopt if the bytes are no whole batch.
    static std::optional<Batch> make(std::vector<std::byte> bytes) {
        auto owned = std::make_shared<OwnedBatch>(std::move(bytes));
        const auto header = wire::decode_batch(owned->storage_);
        if (!header) return std::nullopt;
        owned->set(owned->storage_, *header);
        return Batch{std::move(owned)};
    }
    explicit OwnedBatch(std::vector<std::byte> bytes) : storage_(std::move(bytes)) {}

  private:
    std::vector<std::byte> storage_;
};

}  // namespace bus::core
