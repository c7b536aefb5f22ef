// Which values hang on the filters that match a channel: a trie of tokens, with
// a root for each kind. A look-up goes down the channel's tokens, at each node by
// the token itself, by `*`, and past the values of `**`; so it costs what it
// finds, however many filters there are. It allocates nothing.
//
// Nodes, values and tokens are kept by number in arrays; one hash table finds all
// children, one all values. A node of one child costs no more than its place
// there, one of 100,000 children nothing else. When three quarters of it are
// unused the index is built anew, smaller.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/index_table.h"
#include "base/pool.h"
#include "core/tokens.h"
#include "wire/bounds.h"
#include "wire/names.h"

namespace bus::core {

class FilterIndex {
  public:
    using Value = std::uint64_t;

    FilterIndex();

    // The filter must be valid. A value may hang on a filter several times: each add needs its
    // remove.
    void add(wire::Kind kind, std::string_view filter, Value value);
    void remove(wire::Kind kind, std::string_view filter, Value value);

    // Visits the values of all filters that match the channel, which must be valid; a value once
    // for each of its filters. The index must not change meanwhile.
    template <class Visit>
    void match(wire::Kind kind, std::string_view channel, Visit visit) const {
        const Channel tokens = read(channel);
        match_from(root_of(kind), 0, tokens, visit);
    }

    std::size_t size() const { return hangings_.used(); }  // pairs of filter and value
    std::size_t bytes() const;

  private:
    static constexpr std::uint32_t none = IndexTable::none;
    static constexpr Tokens::Id any_token = 0xffff'fffe;  // of the node behind a `*`
    static constexpr std::size_t tokens_max = (wire::channel_bytes_max + 1) / 2;

    struct Node {
        std::uint32_t parent = none;  // none: a root
        Tokens::Id token = none;      // that leads here
        std::uint32_t any = none;     // the node behind `*`
        std::uint32_t children = 0;   // besides that
        std::uint32_t exact = none;   // the first value of the filter that ends here
        std::uint32_t rest = none;    // of the one that goes on with `**`
    };
    // A value on a filter.
    struct Hanging {
        Value value = 0;
        std::uint32_t times = 0;
        std::uint32_t place = none;  // twice its node, and one more if behind `**`
        std::uint32_t next = none, before = none;
    };
    struct Channel {
        std::array<Tokens::Id, tokens_max> tokens;
        std::size_t size;
        bool reserved;  // its first token is not matched by wildcards
    };

    static std::uint32_t root_of(wire::Kind kind) { return static_cast<std::uint32_t>(kind); }
    static std::uint32_t mix(std::uint64_t a, std::uint64_t b) {
        std::uint64_t mixed = (a * 0x9E37'79B9'7F4A'7C15ull) ^ b;
        mixed ^= mixed >> 32;
        mixed *= 0xD6E8'FEB8'6659'FD93ull;
        return static_cast<std::uint32_t>(mixed >> 32);
    }
    static std::uint32_t hash_of_child(std::uint32_t parent, Tokens::Id token) {
        return mix(parent, token);
    }
    static std::uint32_t hash_of_value(std::uint32_t place, Value value) {
        return mix(value, place);
    }
    Channel read(std::string_view channel) const;

    std::uint32_t child(std::uint32_t parent, Tokens::Id token) const {
        return children_.find(hash_of_child(parent, token), [&](std::uint32_t at) {
            return nodes_[at].parent == parent && nodes_[at].token == token;
        });
    }
    std::uint32_t hanging(std::uint32_t place, Value value) const;
    std::uint32_t& first_of(std::uint32_t place);

    std::uint32_t place_of(wire::Kind kind, std::string_view filter) const;
    std::uint32_t make_place(wire::Kind kind, std::string_view filter);
    std::uint32_t make_child(std::uint32_t parent, std::string_view token);
    void add(std::uint32_t place, Value value, std::uint32_t times);
    void take_off(std::uint32_t at);
    void prune(std::uint32_t node);
    void shrink();
    std::string filter_of(std::uint32_t place, wire::Kind& kind) const;

    template <class Visit>
    void visit_all(std::uint32_t first, Visit& visit) const {
        for (auto at = first; at != none; at = hangings_[at].next) visit(hangings_[at].value);
    }
    template <class Visit>
    void match_from(std::uint32_t at, std::size_t depth, const Channel& channel,
                    Visit& visit) const {
        const Node& node = nodes_[at];
        if (depth == channel.size) return visit_all(node.exact, visit);
        if (depth > 0 || !channel.reserved) {
            visit_all(node.rest, visit);
            if (node.any != none) match_from(node.any, depth + 1, channel, visit);
        }
        if (node.children == 0 || channel.tokens[depth] == Tokens::none) return;
        const auto next = child(at, channel.tokens[depth]);
        if (next != none) match_from(next, depth + 1, channel, visit);
    }

    Tokens tokens_;
    Pool<Node> nodes_;
    IndexTable children_;
    Pool<Hanging> hangings_;
    IndexTable values_;
};

// The same, of objects that stay where they are.
template <class T>
class FiltersOf {
  public:
    void add(wire::Kind kind, std::string_view filter, T& whose) {
        index_.add(kind, filter, value_of(whose));
    }
    void remove(wire::Kind kind, std::string_view filter, T& whose) {
        index_.remove(kind, filter, value_of(whose));
    }
    template <class Visit>
    void match(wire::Kind kind, std::string_view channel, Visit visit) const {
        index_.match(kind, channel, [&](FilterIndex::Value value) {
            visit(*reinterpret_cast<T*>(static_cast<std::uintptr_t>(value)));
        });
    }
    const FilterIndex& index() const { return index_; }

  private:
    static FilterIndex::Value value_of(T& whose) {
        return reinterpret_cast<std::uintptr_t>(&whose);
    }

    FilterIndex index_;
};

}  // namespace bus::core
