#include "wire/name_fault.h"

#include "wire/bounds.h"
#include "wire/homed.h"
#include "wire/names.h"

namespace bus::wire {
namespace {

constexpr std::string_view letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

std::string at(std::size_t index) { return " at character " + std::to_string(index + 1); }

// Nothing else than these is shown: what cannot be printed, or is half of a letter, has its place.
std::string shown(char c) {
    return c > ' ' && c <= '~' ? std::string{"\""} + c + "\"" : std::string{"something"};
}

std::string fault_of_length(std::string_view text) {
    if (text.empty()) return "it is empty";
    if (text.size() <= channel_bytes_max) return {};
    return "it has " + std::to_string(text.size()) + " bytes, and " +
           std::to_string(channel_bytes_max) + " are allowed";
}

// Of one token that is no wildcard and begins at `begin` of the text.
std::string fault_of_token(std::string_view token, std::size_t begin) {
    const auto bad = token.find_first_not_of(letters);
    if (token.empty()) return "there is no token" + at(begin);
    if (bad == token.npos) return {};
    return shown(token[bad]) + at(begin + bad) + " is none of A-Z a-z 0-9 _ -";
}

std::string fault_in_filter(std::string_view token, std::size_t begin, bool last) {
    if (token == "*" || (token == "**" && last)) return {};
    if (token == "**") return "**" + at(begin) + " is not the last token";
    if (token == ">" && last) return "for all that is left write ** in place of >" + at(begin);
    if (const auto star = token.find('*'); star != token.npos)
        return "*" + at(begin + star) + " is not a token of its own";
    return fault_of_token(token, begin);
}

std::string fault_in_name(std::string_view token, std::size_t begin) {
    const auto star = token.find('*');
    if (star == token.npos) return fault_of_token(token, begin);
    return "*" + at(begin + star) + " belongs into a filter";
}

// The first fault of a token from `begin` on.
template <typename FaultOf>
std::string first_fault(std::string_view text, std::size_t begin, FaultOf fault_of) {
    while (true) {
        const auto dot = text.find('.', begin);
        const bool last = dot == text.npos;
        auto fault = fault_of(text.substr(begin, dot - begin), begin, last);
        if (!fault.empty() || last) return fault;
        begin = dot + 1;
    }
}

}  // namespace

std::string channel_fault(std::string_view name) {
    if (is_channel(name)) return {};
    if (auto fault = fault_of_length(name); !fault.empty()) return fault;
    if (is_reserved(name)) return "what begins with $bus. is the agent's own";
    if (name.back() == '.') return "it ends with a dot";
    return first_fault(name, 0, [](std::string_view token, std::size_t begin, bool) {
        return fault_in_name(token, begin);
    });
}

std::string filter_fault(std::string_view filter) {
    if (is_filter(filter)) return {};
    if (auto fault = fault_of_length(filter); !fault.empty()) return fault;
    if (filter.back() == '.')
        return "it ends with a dot: did your shell take the >? Here all that is left is **, in "
               "quotes";
    const std::size_t begin = filter.starts_with("$bus.") ? 5 : 0;
    return first_fault(filter, begin, fault_in_filter);
}

std::string group_fault(std::string_view name, std::string_view filter) {
    if (is_homed_address(name)) return "group names that begin with _homed. are the agents' own";
    if (is_group_address(group_address(name, filter))) return {};
    return "the name of a group and its filter have together at most " +
           std::to_string(channel_bytes_max - 1) + " characters";
}

}  // namespace bus::wire
