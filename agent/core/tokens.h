// The tokens of filters, each kept once and counted: equal tokens have equal
// numbers.
#pragma once

#include <string>
#include <string_view>

#include "base/index_table.h"
#include "base/pool.h"

namespace bus::core {

class Tokens {
  public:
    using Id = std::uint32_t;
    static constexpr Id none = IndexTable::none;

    // Each use needs its release.
    Id use(std::string_view text);
    void release(Id id);
    // none: nobody uses it.
    Id find(std::string_view text) const { return find(text, hash(text)); }
    std::string_view text(Id id) const { return tokens_[id].text; }

    std::size_t size() const { return table_.size(); }
    std::size_t bytes() const;

  private:
    struct Token {
        std::string text;
        std::uint32_t uses = 0;
    };
    static std::uint32_t hash(std::string_view text);
    Id find(std::string_view text, std::uint32_t hash) const;

    Pool<Token> tokens_;
    IndexTable table_;
    std::size_t long_bytes_ = 0;  // of texts that a string keeps elsewhere
};

}  // namespace bus::core
