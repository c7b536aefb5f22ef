#include "bus/message.h"

#include "base/id.h"
#include "wire/batch.h"

namespace bus {

const char* to_text(Priority priority) noexcept {
    switch (priority) {
        case Priority::high:
            return "high";
        case Priority::normal:
            return "normal";
        case Priority::low:
            return "low";
    }
    return "?";
}

std::optional<std::string_view> Message::header(std::string_view key) const noexcept {
    return wire::find_header(parts_.headers, key);
}

std::vector<Header> Message::headers() const {
    std::vector<Header> found;
    wire::HeaderWalk walk{parts_.headers};
    while (const auto field = walk.next()) found.push_back({field->key, field->value});
    return found;
}

std::string Message::id() const {
    return id_text(parts_.producer) + "/" + std::to_string(parts_.sequence);
}

}  // namespace bus
