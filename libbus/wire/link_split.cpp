// Interest and paths of any length, in frames that each stay within their bound.

#include "wire/link.h"

namespace bus::wire {

std::vector<LinkInterest> split_interest(LinkInterest::Part last_part,
                                         std::uint64_t interest_version,
                                         const std::vector<InterestItem>& items) {
    using Of = LinkInterest::Part;
    const Of earlier = last_part == Of::snapshot_last ? Of::snapshot_more : last_part;
    constexpr std::size_t fixed = 64;
    std::vector<LinkInterest> frames{{.part = last_part, .version = interest_version, .items = {}}};
    std::size_t bytes = fixed;
    for (const auto& item : items) {
        const std::size_t size = 6 + item.name.size() + item.group.size() + item.filter.size();
        if (bytes + size > control_bytes_max) {
            frames.back().part = earlier;
            frames.push_back({.part = last_part, .version = interest_version, .items = {}});
            bytes = fixed;
        }
        frames.back().items.push_back(item);
        bytes += size;
    }
    return frames;
}

std::vector<LinkPaths> split_paths(LinkPaths::Part last_part,
                                   const std::vector<LinkPaths::Path>& paths) {
    using Of = LinkPaths::Part;
    const Of earlier = last_part == Of::snapshot_last ? Of::snapshot_more : last_part;
    constexpr std::size_t fixed = 64;
    std::vector<LinkPaths> frames{{.part = last_part, .paths = {}}};
    std::size_t bytes = fixed;
    for (const auto& path : paths) {
        const std::size_t size = 22 + path.agents.size() * 16 + path.name.size();
        if (bytes + size > control_bytes_max) {
            frames.back().part = earlier;
            frames.push_back({.part = last_part, .paths = {}});
            bytes = fixed;
        }
        frames.back().paths.push_back(path);
        bytes += size;
    }
    return frames;
}

}  // namespace bus::wire
