// The keys that may link, as text (Z85). One list for the authenticator, which
// judges handshakes, and for the listener, which judges every frame: a
// connection outlives the removal of its key, and libzmq cannot close one peer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace bus::io {

class PeerKeys {
  public:
    void set(std::unordered_map<std::string, std::string> names_by_key) {
        names_ = std::move(names_by_key);
        ++version_;
    }
    // Another one with every list: what was judged by an older one is to be judged again.
    std::uint64_t version() const { return version_; }
    // The peer's name, nullptr for a stranger.
    const std::string* name_of(const std::string& key) const {
        const auto found = names_.find(key);
        return found == names_.end() ? nullptr : &found->second;
    }

  private:
    std::unordered_map<std::string, std::string> names_;
    std::uint64_t version_ = 0;
};

}  // namespace bus::io
