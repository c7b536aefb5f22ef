#include <doctest/doctest.h>

#include <stdexcept>

#include "table.h"

using bus::cli::Table;

TEST_CASE("columns are aligned, text to the left and figures to the right") {
    Table table{{{"peer"}, {"waiting", Table::Align::right}, {"note"}}};
    table.add({"tokyo", "12", ""});
    table.add({"zürich", "1,234,567", "held back"});
    CHECK(table.text() ==
          "peer      waiting  note\n"
          "tokyo          12\n"
          "zürich  1,234,567  held back\n");
    CHECK(table.text("  ").starts_with("  peer"));
}

TEST_CASE("a row with a cell too few is a bug of the caller") {
    Table table{{{"a"}, {"b"}}};
    CHECK_THROWS_AS(table.add({"one"}), std::logic_error);
    CHECK(table.is_empty());
}
