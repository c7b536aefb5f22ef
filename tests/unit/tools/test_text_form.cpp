#include <doctest/doctest.h>

#include "text_form.h"

using namespace bus::cli;
using namespace std::string_view_literals;

TEST_CASE("text is told from bytes") {
    for (const auto text : {""sv, "plain"sv, "\0 too"sv, "é€𝄞"sv}) CHECK(is_utf8(text));
    for (const auto bytes : {"\xff"sv, "\xc3"sv, "\xc0\xaf"sv, "\xe0\x80\x80"sv, "\xed\xa0\x80"sv,
                             "\xf4\x90\x80\x80"sv, "a\x80"sv, "\xe2\x82"sv})
        CHECK_FALSE(is_utf8(bytes));
}
