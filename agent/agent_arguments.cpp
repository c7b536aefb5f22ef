#include "agent_arguments.h"

#include <algorithm>

#include "bus/error.h"
#include "config_values.h"

namespace bus {

wire::AdminArguments arguments_of(const wire::AdminRequest& request,
                                  std::initializer_list<std::string_view> known) {
    auto arguments = wire::admin_arguments(request);
    if (!arguments) throw Error{arguments.error().reason};
    const auto refuse_unknown = [&](const auto& found) {
        for (const auto& [key, value] : found)
            if (std::ranges::find(known, key) == known.end())
                throw Error{"the request \"" + request.request + "\" has no argument \"" + key +
                            "\" of that type"};
    };
    refuse_unknown(arguments->flags);
    refuse_unknown(arguments->numbers);
    refuse_unknown(arguments->texts);
    return std::move(*arguments);
}

std::string required(wire::AdminArguments& arguments, const std::string& key) {
    const auto found = arguments.texts.find(key);
    if (found == arguments.texts.end() || found->second.empty())
        throw Error{"\"" + key + "\" is missing"};
    return std::move(found->second);
}

std::uint64_t required_number(const wire::AdminArguments& arguments, const std::string& key) {
    const auto found = arguments.numbers.find(key);
    if (found == arguments.numbers.end()) throw Error{"\"" + key + "\" is missing"};
    return found->second;
}

std::string text_argument(const wire::AdminRequest& request, const std::string& key) {
    auto arguments = arguments_of(request, {key});
    return required(arguments, key);
}

observe::AdminAnswer answer_to(const wire::AdminRequest& request) {
    return {.id = request.id, .request = request.request};
}

std::string text_of(const wire::AdminArguments& arguments, const std::string& key) {
    const auto found = arguments.texts.find(key);
    return found == arguments.texts.end() ? std::string{} : found->second;
}

std::uint64_t number_of(const wire::AdminArguments& arguments, const std::string& key,
                        std::uint64_t otherwise) {
    const auto found = arguments.numbers.find(key);
    return found == arguments.numbers.end() ? otherwise : found->second;
}

std::optional<core::ChannelFilter> channels_of(const wire::AdminArguments& arguments,
                                               const std::string& key,
                                               std::initializer_list<wire::Kind> kinds) {
    const std::string filter = text_of(arguments, key);
    const std::string word = text_of(arguments, "kind");
    std::optional<wire::Kind> kind;
    std::string known;
    for (const auto one : kinds) {
        if (word == wire::to_text(one)) kind = one;
        if (!known.empty()) known += one == *(kinds.end() - 1) ? " or " : ", ";
        known += "\"" + std::string{wire::to_text(one)} + "\"";
    }
    if (!word.empty() && !kind) throw Error{"\"kind\" is " + known};
    if (filter.empty() && !kind) return std::nullopt;
    if (const auto why = filter.empty() ? "" : why_no_filter(filter); !why.empty())
        throw Error{in_quotes(filter) + " " + why};
    return core::ChannelFilter{kind, filter.empty() ? "**" : filter};
}

}  // namespace bus
