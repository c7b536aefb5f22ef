#include <doctest/doctest.h>

#include <string>

#include "wire/name_fault.h"
#include "wire/names.h"

using namespace bus::wire;

TEST_CASE("what is wrong with a filter is named, with its place") {
    CHECK(filter_fault("plant7.**") == "");
    CHECK(filter_fault("") == "it is empty");
    CHECK(filter_fault("a..b") == "there is no token at character 3");
    CHECK(filter_fault(".a") == "there is no token at character 1");
    CHECK(filter_fault("a.**.b") == "** at character 3 is not the last token");
    CHECK(filter_fault("plant*.x") == "* at character 6 is not a token of its own");
    CHECK(filter_fault("plant.***") == "* at character 7 is not a token of its own");
    CHECK(filter_fault("a b") == "something at character 2 is none of A-Z a-z 0-9 _ -");
    CHECK(filter_fault("$bus.a/b") == "\"/\" at character 7 is none of A-Z a-z 0-9 _ -");
    CHECK(filter_fault(std::string(256, 'x')) == "it has 256 bytes, and 255 are allowed");
}

TEST_CASE("who is used to > as the last token is told of **") {
    CHECK(filter_fault("plant7.>") == "for all that is left write ** in place of > at character 8");
    CHECK(filter_fault("plant7.").find("did your shell take the >?") != std::string::npos);
}

TEST_CASE("what is wrong with a channel's name is named, with its place") {
    CHECK(channel_fault("plant7.temperature") == "");
    CHECK(channel_fault("orders.*") == "* at character 8 belongs into a filter");
    CHECK(channel_fault("orders.") == "it ends with a dot");
    CHECK(channel_fault("a..b") == "there is no token at character 3");
    CHECK(channel_fault("gr\xC3\xBC\xC3\x9F"
                        "e") == "something at character 3 is none of A-Z a-z 0-9 _ -");
    CHECK(channel_fault("$bus.event") == "what begins with $bus. is the agent's own");
    CHECK(channel_fault("$bus") == "\"$\" at character 1 is none of A-Z a-z 0-9 _ -");
}

TEST_CASE("there is a fault exactly where the rules say no") {
    constexpr std::string_view alphabet = "a.*$>";
    constexpr int length = 6;
    int faults = 0, all = 0;
    const auto compare = [&](const std::string& text) {
        CAPTURE(text);
        CHECK(filter_fault(text).empty() == is_filter(text));
        CHECK(channel_fault(text).empty() == is_channel(text));
        CHECK(filter_fault("$bus." + text).empty() == is_filter("$bus." + text));
        faults += !is_filter(text);
        ++all;
    };
    std::string text;
    const auto each = [&](const auto& self) -> void {
        compare(text);
        if (text.size() == length) return;
        for (const char c : alphabet) {
            text.push_back(c);
            self(self);
            text.pop_back();
        }
    };
    each(each);
    CHECK(all == 19'531);
    CHECK(faults > 0);
    CHECK(faults < all);
}
