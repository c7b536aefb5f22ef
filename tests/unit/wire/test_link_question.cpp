// Questions and answers over the links; their bytes are in tests/vectors/link.txt.
#include <doctest/doctest.h>

#include "wire/bounds.h"
#include "wire/link.h"

using namespace bus;
using namespace bus::wire;

namespace {

const AgentId paris{{1, 1}}, hub{{2, 2}}, tokyo{{3, 3}};

LinkFrame sent(LinkBody body) { return {{.session = 9, .count = 7}, std::move(body)}; }

template <class Body>
Body through_the_wire(Body body) {
    const auto decoded = decode_link(encode_link(sent(std::move(body))));
    REQUIRE(decoded.has_value());
    return std::get<Body>(decoded->body);
}

}  // namespace

TEST_CASE("what another version asks is passed on as it is") {
    const auto came =
        through_the_wire(LinkQuery{1, static_cast<Asked>(200), 2, tokyo, {paris, hub}});
    CHECK(static_cast<int>(came.what) == 200);
    CHECK(came.hops == 2);
    CHECK(came.trail == std::vector<AgentId>{paris, hub});
}

TEST_CASE("an answer's text is passed on as it is, whatever it holds") {
    const std::string text{"\0\x01 of a later version", 22};
    const auto came = through_the_wire(LinkAnswer{.id = 1,
                                                  .what = Asked::status,
                                                  .agent = tokyo,
                                                  .name = "tokyo",
                                                  .trail = {paris},
                                                  .text = text});
    CHECK(came.text == text);
}

TEST_CASE("a trail has an asker, and is no longer than a path") {
    LinkQuery query{1, Asked::presence, 2, tokyo, std::vector<AgentId>(path_agents_max, hub)};
    CHECK(through_the_wire(query).trail.size() == path_agents_max);
    auto bytes = encode_link(sent(query));
    const std::size_t trail_at = link_head_length + 8 + 1 + 1 + 16;
    bytes[trail_at] = std::byte{path_agents_max + 1};
    for (int i = 0; i < 16; ++i) bytes.push_back(std::byte{1});
    CHECK(decode_link(bytes).error() == Reject::malformed);
    query.trail.clear();
    CHECK(decode_link(encode_link(sent(query))).error() == Reject::malformed);
    query.trail = {AgentId{}};
    CHECK(decode_link(encode_link(sent(query))).error() == Reject::malformed);
}

TEST_CASE("a summary of any size fits an answer, and one of a later version is read") {
    Summary summary{.version = std::string(255, '1'),
                    .uptime_millis = 5,
                    .links_up = 1,
                    .journal_full = true,
                    .last_error = std::string(100'000, 'x'),
                    .last_error_millis = 7};
    const std::string text = encode_summary(summary);
    CHECK(text.size() <= answer_text_max);
    summary.last_error.resize(summary_error_max);
    CHECK(decode_summary(text) == summary);
    CHECK(decode_summary(text + "more") == summary);
    CHECK_FALSE(decode_summary(text.substr(0, text.size() - 1)).has_value());
}
