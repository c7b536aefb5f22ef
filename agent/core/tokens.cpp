#include "core/tokens.h"

#include <xxhash.h>

namespace bus::core {
namespace {

const std::size_t short_bytes = std::string{}.capacity();

std::size_t bytes_elsewhere(const std::string& text) {
    return text.capacity() > short_bytes ? text.capacity() + 1 : 0;
}

}  // namespace

std::uint32_t Tokens::hash(std::string_view text) {
    return static_cast<std::uint32_t>(XXH3_64bits(text.data(), text.size()));
}

Tokens::Id Tokens::find(std::string_view text, std::uint32_t hash) const {
    return table_.find(hash, [&](Id id) { return tokens_[id].text == text; });
}

Tokens::Id Tokens::use(std::string_view text) {
    const auto key = hash(text);
    Id id = find(text, key);
    if (id == none) {
        id = tokens_.take({.text = std::string{text}});
        long_bytes_ += bytes_elsewhere(tokens_[id].text);
        table_.insert(key, id);
    }
    ++tokens_[id].uses;
    return id;
}

void Tokens::release(Id id) {
    Token& token = tokens_[id];
    BUS_ASSERT(token.uses > 0);
    if (--token.uses > 0) return;
    table_.erase(hash(token.text), id);
    long_bytes_ -= bytes_elsewhere(token.text);
    tokens_.give_back(id);
}

std::size_t Tokens::bytes() const { return tokens_.bytes() + table_.bytes() + long_bytes_; }

}  // namespace bus::core
