#include "table.h"

#include <algorithm>
#include <stdexcept>

namespace bus::cli {
namespace {

std::string padded(const std::string& text, std::size_t columns, Table::Align align) {
    const std::string blanks(columns - std::min(columns, width_of(text)), ' ');
    return align == Table::Align::left ? text + blanks : blanks + text;
}

}  // namespace

std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<std::string> row) {
    if (row.size() != columns_.size()) throw std::logic_error("a row has one cell for each column");
    rows_.push_back(std::move(row));
}

std::string Table::text(std::string_view indent) const {
    std::vector<std::vector<std::string>> lines(1);
    for (const Column& column : columns_) lines.front().push_back(column.heading);
    lines.insert(lines.end(), rows_.begin(), rows_.end());

    std::vector<std::size_t> widths(columns_.size(), 0);
    for (const auto& line : lines)
        for (std::size_t i = 0; i < line.size(); ++i)
            widths[i] = std::max(widths[i], width_of(line[i]));

    std::string text;
    for (std::size_t row = 0; row < lines.size(); ++row) {
        const auto& line = lines[row];
        std::string one{indent};
        for (std::size_t i = 0; i < line.size(); ++i)
            one += (i == 0 ? "" : "  ") + padded(line[i], widths[i], columns_[i].align);
        text += one.substr(0, one.find_last_not_of(' ') + 1) + "\n";
        if (const auto note = notes_.find(row); note != notes_.end()) text += note->second;
    }
    return text;
}

}  // namespace bus::cli
