#include "session/producer_name.h"

#include <xxhash.h>

#include <vector>

#include "base/bytes.h"

namespace bus::session {

ProducerId named_producer(const AgentId& agent, std::uint32_t uid, std::string_view name) {
    std::vector<std::byte> text(20 + name.size());
    store(text.data(), agent.words[0]);
    store(text.data() + 8, agent.words[1]);
    store(text.data() + 16, uid);
    std::copy_n(as_bytes(name).data(), name.size(), text.data() + 20);
    const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
    return {{hash.high64, hash.low64 | 1}};  // never zero
}

}  // namespace bus::session
