#include "config_peer.h"

#include <algorithm>

#include "config_values.h"

namespace bus {
namespace {

constexpr std::size_t keys_max = 4;  // the current one, the next one, and a second thought
constexpr std::uint32_t cost_max = 1'000;
// Below it a frame of the largest size takes longer than a link may be silent.
constexpr std::uint64_t rate_min = 8 * limits::KiB;

// The value of `one`, or the list in `many`.
struct OneOrMany {
    std::string_view one, many;
};

// `check` says why an item is bad, or nothing.
template <class Check>
std::vector<std::string> read_items(ConfigSection& section, OneOrMany keys, Check check) {
    std::vector<std::string> items;
    if (const std::string item = section.text(keys.one); !item.empty()) {
        if (const auto why = check(item); !why.empty()) section.complain(keys.one, why);
        items.push_back(item);
    }
    section.each_text(keys.many, [&](const std::string& item, unsigned index) {
        if (const auto why = check(item); !why.empty())
            section.complain(keys.many, index, why);
        else if (std::ranges::find(items, item) != items.end())
            section.complain(keys.many, index, in_quotes(item) + " stands there twice");
        items.push_back(item);
    });
    if (section.has(keys.one) && section.has(keys.many))
        section.complain(keys.many, "there is " + in_quotes(keys.one) + " as well; put all into " +
                                        in_quotes(keys.many));
    return items;
}

std::vector<std::string> read_keys(ConfigSection& section) {
    auto keys = read_items(section, {"key", "keys"}, why_no_key);
    if (!section.has("key") && !section.has("keys"))
        section.complain("",
                         "\"key\" is missing: the peer's public key, which \"bus keygen\" printed "
                         "there (\"keys\": a list of several, while they roll over)");
    else if (section.has("keys") && (keys.empty() || keys.size() > keys_max))
        section.complain("keys", "a peer has 1 to " + std::to_string(keys_max) +
                                     " keys, the current one and the next; these are " +
                                     std::to_string(keys.size()));
    return keys;
}

std::vector<std::string> read_addresses(ConfigSection& section) {
    return read_items(section, {"address", "addresses"}, [](const std::string& address) {
        return is_tcp_address(address)
                   ? std::string{}
                   : in_quotes(address) + " is not like \"tcp://host.example:7700\"";
    });
}

std::optional<core::Permissions> read_trust(ConfigSection& section) {
    const bool lists = has_permissions(section);
    core::Permissions may = read_permissions(section);
    const std::string trust = section.text("trust");
    if (!section.has("trust") && !lists)
        section.complain("",
                         "what may this peer do here? Say \"trust\": \"full\" (every channel), or "
                         "list the filters of what it may do: " +
                             permission_keys() + " (what no list covers is forbidden)");
    else if (!trust.empty() && trust != "full")
        section.complain("trust", in_quotes(trust) +
                                      " is not \"full\"; for less, leave it out and list what the "
                                      "peer may do: " +
                                      permission_keys());
    else if (!trust.empty() && lists)
        section.complain("trust",
                         "full trust and lists of what the peer may do exclude each other; remove "
                         "\"trust\", or the lists");
    if (!lists) return std::nullopt;
    return may;
}

}  // namespace

PeerConfig read_peer(ConfigSection& section) {
    PeerConfig peer;
    peer.where = section.where();
    peer.name = read_name(section, "what people call this peer");
    peer.keys = read_keys(section);
    peer.addresses = read_addresses(section);
    peer.may = read_trust(section);
    peer.relays = section.boolean("relays", !peer.may);
    peer.status = section.boolean("status", !peer.may);
    peer.cost = static_cast<std::uint32_t>(section.number("cost", 1, 1, cost_max));
    peer.rate_bytes_per_second = section.rate("rate", 0, rate_min);
    peer.waiting = read_bound(section, "limits");
    section.finish();
    return peer;
}

}  // namespace bus
