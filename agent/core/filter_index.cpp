#include "core/filter_index.h"

#include <utility>
#include <vector>

namespace bus::core {
namespace {

constexpr std::uint32_t roots = 3;

// Takes the first token off the text, and the dot behind it.
std::string_view take_token(std::string_view& text) {
    const auto dot = text.find('.');
    const auto token = text.substr(0, dot);
    text = dot == std::string_view::npos ? std::string_view{} : text.substr(dot + 1);
    return token;
}

}  // namespace

FilterIndex::FilterIndex() {
    for (std::uint32_t root = 0; root < roots; ++root) nodes_.take({});
}

FilterIndex::Channel FilterIndex::read(std::string_view channel) const {
    BUS_ASSERT(channel.size() <= wire::channel_bytes_max);
    Channel read;  // its tokens are written as far as they are read
    read.reserved = channel.starts_with('$');
    for (read.size = 0; !channel.empty(); ++read.size)
        read.tokens[read.size] = tokens_.find(take_token(channel));
    return read;
}

// ---- Places -------------------------------------------------------------------------------------

std::uint32_t FilterIndex::make_child(std::uint32_t parent, std::string_view token) {
    if (token == "*") {
        if (nodes_[parent].any != none) return nodes_[parent].any;
        const auto made = nodes_.take({.parent = parent, .token = any_token});
        nodes_[parent].any = made;
        return made;
    }
    const auto id = tokens_.use(token);
    const auto found = child(parent, id);
    if (found != none) {
        tokens_.release(id);
        return found;
    }
    const auto made = nodes_.take({.parent = parent, .token = id});
    children_.insert(hash_of_child(parent, id), made);
    ++nodes_[parent].children;
    return made;
}

std::uint32_t FilterIndex::make_place(wire::Kind kind, std::string_view filter) {
    std::uint32_t node = root_of(kind);
    while (!filter.empty()) {
        const auto token = take_token(filter);
        if (token == "**") return 2 * node + 1;
        node = make_child(node, token);
    }
    return 2 * node;
}

std::uint32_t FilterIndex::place_of(wire::Kind kind, std::string_view filter) const {
    std::uint32_t node = root_of(kind);
    while (!filter.empty() && node != none) {
        const auto token = take_token(filter);
        if (token == "**") return 2 * node + 1;
        node = token == "*" ? nodes_[node].any : child(node, tokens_.find(token));
    }
    return node == none ? none : 2 * node;
}

std::string FilterIndex::filter_of(std::uint32_t place, wire::Kind& kind) const {
    std::vector<std::string_view> tokens;
    if (place % 2 != 0) tokens.push_back("**");
    std::uint32_t node = place / 2;
    for (; nodes_[node].parent != none; node = nodes_[node].parent)
        tokens.push_back(nodes_[node].token == any_token ? "*" : tokens_.text(nodes_[node].token));
    kind = static_cast<wire::Kind>(node);
    std::string filter;
    for (auto token = tokens.rbegin(); token != tokens.rend(); ++token)
        filter.append(filter.empty() ? "" : ".").append(*token);
    return filter;
}

// Nothing hangs there, and nothing lies behind: it goes, and what led only to it.
void FilterIndex::prune(std::uint32_t at) {
    while (nodes_[at].parent != none) {
        const Node node = nodes_[at];
        if (node.exact != none || node.rest != none || node.any != none || node.children > 0)
            return;
        if (node.token == any_token) {
            nodes_[node.parent].any = none;
        } else {
            children_.erase(hash_of_child(node.parent, node.token), at);
            --nodes_[node.parent].children;
            tokens_.release(node.token);
        }
        nodes_.give_back(at);
        at = node.parent;
    }
}

// ---- Values -------------------------------------------------------------------------------------

std::uint32_t FilterIndex::hanging(std::uint32_t place, Value value) const {
    return values_.find(hash_of_value(place, value), [&](std::uint32_t at) {
        return hangings_[at].value == value && hangings_[at].place == place;
    });
}

std::uint32_t& FilterIndex::first_of(std::uint32_t place) {
    Node& node = nodes_[place / 2];
    return place % 2 == 0 ? node.exact : node.rest;
}

void FilterIndex::add(wire::Kind kind, std::string_view filter, Value value) {
    add(make_place(kind, filter), value, 1);
}

void FilterIndex::add(std::uint32_t place, Value value, std::uint32_t times) {
    if (const auto found = hanging(place, value); found != none) {
        hangings_[found].times += times;
        return;
    }
    std::uint32_t& first = first_of(place);
    const auto added =
        hangings_.take({.value = value, .times = times, .place = place, .next = first});
    if (first != none) hangings_[first].before = added;
    first = added;
    values_.insert(hash_of_value(place, value), added);
}

void FilterIndex::remove(wire::Kind kind, std::string_view filter, Value value) {
    const auto place = place_of(kind, filter);
    BUS_ASSERT(place != none);
    const auto at = hanging(place, value);
    BUS_ASSERT(at != none);
    if (--hangings_[at].times > 0) return;
    take_off(at);
    prune(place / 2);
    shrink();
}

void FilterIndex::take_off(std::uint32_t at) {
    const Hanging gone = hangings_[at];
    if (gone.next != none) hangings_[gone.next].before = gone.before;
    (gone.before != none ? hangings_[gone.before].next : first_of(gone.place)) = gone.next;
    values_.erase(hash_of_value(gone.place, gone.value), at);
    hangings_.give_back(at);
}

// ---- Memory -------------------------------------------------------------------------------------

void FilterIndex::shrink() {
    constexpr std::size_t worth_it = 1'024;
    if (hangings_.size() < worth_it || hangings_.used() * 4 > hangings_.size()) return;
    FilterIndex smaller;
    // The later ones of a filter first: each is put before those that are there.
    for (std::uint32_t at = 0; at < hangings_.size(); ++at) {
        const Hanging& one = hangings_[at];
        if (one.times == 0 || one.next != none) continue;
        wire::Kind kind{};
        const auto filter = filter_of(one.place, kind);
        const auto place = smaller.make_place(kind, filter);
        for (auto of_it = at; of_it != none; of_it = hangings_[of_it].before)
            smaller.add(place, hangings_[of_it].value, hangings_[of_it].times);
    }
    *this = std::move(smaller);
}

std::size_t FilterIndex::bytes() const {
    return tokens_.bytes() + nodes_.bytes() + children_.bytes() + hangings_.bytes() +
           values_.bytes();
}

}  // namespace bus::core
