#include "core/filter_index.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

using bus::core::FilterIndex;
using bus::wire::Kind;
using Values = std::vector<FilterIndex::Value>;

namespace {

Values found(const FilterIndex& index, std::string_view channel, Kind kind = Kind::topic) {
    Values values;
    index.match(kind, channel, [&](FilterIndex::Value value) { values.push_back(value); });
    std::sort(values.begin(), values.end());
    return values;
}

// Few different tokens, so that much matches.
class Names {
  public:
    explicit Names(unsigned seed) : random_(seed) {}

    std::string channel() {
        std::string name = random_() % 10 == 0 ? "$bus" : token();
        for (auto more = random_() % 5 + (name == "$bus" ? 1 : 0); more > 0; --more)
            name += "." + token();
        return name;
    }
    std::string filter() {
        const bool reserved = random_() % 10 == 0;
        std::string name = reserved ? "$bus" : wild();
        for (auto more = random_() % 4 + (reserved ? 1 : 0); more > 0; --more) name += "." + wild();
        const bool all = random_() % 4 == 0;
        return all ? (random_() % 8 == 0 ? "**" : name + ".**") : name;
    }
    std::size_t below(std::size_t end) { return random_() % end; }

  private:
    std::string token() { return std::string(1, static_cast<char>('a' + random_() % 4)); }
    std::string wild() { return random_() % 4 == 0 ? "*" : token(); }

    std::mt19937 random_;
};

}  // namespace

TEST_CASE("a channel finds what hangs on the filters that match it") {
    FilterIndex index;
    index.add(Kind::topic, "plant7.temperature", 1);
    index.add(Kind::topic, "plant7.*", 2);
    index.add(Kind::topic, "plant7.**", 3);
    index.add(Kind::topic, "*.temperature", 4);
    index.add(Kind::topic, "**", 5);
    index.add(Kind::topic, "plant7", 6);
    CHECK(found(index, "plant7.temperature") == Values{1, 2, 3, 4, 5});
    CHECK(found(index, "plant7.line1.temperature") == Values{3, 5});
    CHECK(found(index, "plant7") == Values{5, 6});
    CHECK(found(index, "plant8.pressure") == Values{5});
}

TEST_CASE("kinds are separate") {
    FilterIndex index;
    index.add(Kind::topic, "orders", 1);
    index.add(Kind::queue, "orders", 2);
    index.add(Kind::service, "orders", 3);
    CHECK(found(index, "orders", Kind::topic) == Values{1});
    CHECK(found(index, "orders", Kind::queue) == Values{2});
    CHECK(found(index, "orders", Kind::service) == Values{3});
}

TEST_CASE("a wildcard does not catch the reserved names") {
    FilterIndex index;
    index.add(Kind::topic, "**", 1);
    index.add(Kind::topic, "*.event.*", 2);
    index.add(Kind::topic, "$bus.**", 3);
    index.add(Kind::topic, "$bus.event.*", 4);
    CHECK(found(index, "$bus.event.link_up") == Values{3, 4});
    CHECK(found(index, "bus.event.link_up") == Values{1, 2});
}

TEST_CASE("a value comes once for each of its filters, however often it hangs there") {
    FilterIndex index;
    index.add(Kind::topic, "a.*", 1);
    index.add(Kind::topic, "a.*", 1);
    index.add(Kind::topic, "a.b", 1);
    CHECK(found(index, "a.b") == Values{1, 1});
    index.remove(Kind::topic, "a.*", 1);
    CHECK(found(index, "a.b") == Values{1, 1});
    index.remove(Kind::topic, "a.*", 1);
    CHECK(found(index, "a.b") == Values{1});
    index.remove(Kind::topic, "a.b", 1);
    CHECK(found(index, "a.b").empty());
}

TEST_CASE("the longest channel and filter fit") {
    std::string longest = "a";
    while (longest.size() < bus::wire::channel_bytes_max) longest += ".a";
    const std::string token(bus::wire::channel_bytes_max, 'x');
    FilterIndex index;
    index.add(Kind::topic, longest, 1);
    index.add(Kind::topic, "a.**", 2);
    index.add(Kind::topic, token, 3);
    CHECK(found(index, longest) == Values{1, 2});
    CHECK(found(index, token) == Values{3});
}

TEST_CASE("an index agrees with wire::matches, while filters come and go") {
    Names names{41};
    FilterIndex index;
    std::vector<std::pair<std::string, FilterIndex::Value>> there;
    for (int round = 0; round < 300; ++round) {
        const std::size_t wanted = names.below(4) == 0 ? 0 : names.below(3'000);
        while (there.size() < wanted && there.size() < 3'000) {
            there.emplace_back(names.filter(), names.below(20));
            REQUIRE(bus::wire::is_filter(there.back().first));
            index.add(Kind::topic, there.back().first, there.back().second);
        }
        while (there.size() > wanted) {
            std::swap(there[names.below(there.size())], there.back());
            index.remove(Kind::topic, there.back().first, there.back().second);
            there.pop_back();
        }
        for (int look = 0; look < 10; ++look) {
            const auto channel = names.channel();
            std::set<std::pair<std::string, FilterIndex::Value>> expected;
            for (const auto& one : there)
                if (bus::wire::matches(one.first, channel)) expected.insert(one);
            Values values;
            for (const auto& [filter, value] : expected) values.push_back(value);
            std::sort(values.begin(), values.end());
            CHECK_MESSAGE(found(index, channel) == values, channel);
        }
    }
}

TEST_CASE("removal gives memory back") {
    FilterIndex index;
    const auto nothing = index.bytes();
    const auto filter = [](int at) {
        return "plant" + std::to_string(at % 100) + ".machine-" + std::to_string(at) + ".*";
    };
    for (int at = 0; at < 20'000; ++at) index.add(Kind::topic, filter(at), 1);
    const auto full = index.bytes();
    CHECK(full / 20'000 < 200);
    for (int at = 0; at < 20'000; ++at)
        if (at % 100 != 0) index.remove(Kind::topic, filter(at), 1);
    CHECK(index.size() == 200);
    CHECK(index.bytes() < full / 20);
    CHECK(found(index, "plant0.machine-300.x") == Values{1});
    for (int at = 0; at < 20'000; at += 100) index.remove(Kind::topic, filter(at), 1);
    CHECK(index.size() == 0);
    CHECK(index.bytes() < nothing + full / 20);
}

TEST_CASE("what hangs on one filter many times over goes as quickly as it came, in any order") {
    FilterIndex index;
    for (FilterIndex::Value value = 0; value < 10'000; ++value)
        index.add(Kind::topic, "a.b", value);
    CHECK(found(index, "a.b").size() == 10'000);
    for (FilterIndex::Value value = 0; value < 10'000; value += 2)
        index.remove(Kind::topic, "a.b", value);
    const auto left = found(index, "a.b");
    REQUIRE(left.size() == 5'000);
    CHECK(std::all_of(left.begin(), left.end(), [](auto value) { return value % 2 == 1; }));
}
