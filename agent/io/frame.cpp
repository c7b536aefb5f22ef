#include "io/frame.h"

#include <cstring>
#include <new>

#include "base/assert.h"

namespace bus::io {

Frame::Frame() noexcept { zmq_msg_init(&message_); }

Frame::Frame(std::size_t size) {
    if (zmq_msg_init_size(&message_, size) != 0) throw std::bad_alloc{};
}

Frame Frame::copy_of(Bytes bytes) {
    Frame frame{bytes.size()};
    if (!bytes.empty()) std::memcpy(zmq_msg_data(&frame.message_), bytes.data(), bytes.size());
    return frame;
}

Frame::Frame(Frame&& other) noexcept {
    zmq_msg_init(&message_);
    BUS_ASSERT(zmq_msg_move(&message_, &other.message_) == 0);
}

Frame& Frame::operator=(Frame&& other) noexcept {
    if (this != &other) BUS_ASSERT(zmq_msg_move(&message_, &other.message_) == 0);
    return *this;
}

Frame::~Frame() { zmq_msg_close(&message_); }

Bytes Frame::bytes() const noexcept {
    return {static_cast<const std::byte*>(zmq_msg_data(&message_)), size()};
}

std::span<std::byte> Frame::writable() noexcept {
    return {static_cast<std::byte*>(zmq_msg_data(&message_)), size()};
}

Frame Frame::share() noexcept {
    Frame other;
    BUS_ASSERT(zmq_msg_copy(&other.message_, &message_) == 0);
    return other;
}

std::string_view Frame::property(const char* name) const noexcept {
    const char* text = zmq_msg_gets(&message_, name);
    return text == nullptr ? std::string_view{} : std::string_view{text};
}

int Frame::source_fd() const noexcept { return zmq_msg_get(&message_, ZMQ_SRCFD); }

}  // namespace bus::io
