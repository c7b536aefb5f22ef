// Dead letters, as operators ask about them. The journal has to be asked, so
// the answer comes in a later turn.

#include <algorithm>
#include <charconv>

#include "agent.h"
#include "agent_arguments.h"
#include "bus/error.h"
#include "config_values.h"
#include "observe/dead_letters_json.h"

namespace bus {
namespace {

using Act = core::DeadLetterRequest::Act;

struct Kind {
    std::string_view name;
    Act act;
};
constexpr std::array kinds{Kind{"dead_list", Act::look}, Kind{"dead_show", Act::look},
                           Kind{"dead_retry", Act::retry}, Kind{"dead_purge", Act::purge}};
constexpr std::uint64_t list_default = 100;
constexpr std::size_t ids_max = 1'000;

const Kind* find_kind(const std::string& request) {
    const auto found = std::ranges::find(kinds, request, &Kind::name);
    return found == kinds.end() ? nullptr : &*found;
}

core::DeadLetterId id_of(std::string_view text) {
    std::uint64_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc{} || end != text.data() + text.size() || id == 0)
        throw Error{in_quotes(std::string{text}) +
                    " is no dead letter's id: a number, as `bus dead list` shows it"};
    return core::DeadLetterId{id};
}

// "7,9,12"
std::vector<core::DeadLetterId> ids_of(std::string_view text) {
    std::vector<core::DeadLetterId> ids;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(','), text.size());
        ids.push_back(id_of(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (ids.size() > ids_max)
        throw Error{"more than " + std::to_string(ids_max) + " ids in one request"};
    return ids;
}

core::DeadLetterFilter filter_of(const wire::AdminArguments& arguments) {
    const std::uint64_t last = core::DeadLetterFilter{}.through.value;
    std::vector<core::ChannelFilter> channels;
    if (auto named = channels_of(arguments, "channel", {wire::Kind::topic, wire::Kind::queue}))
        channels.push_back(std::move(*named));
    return {.ids = ids_of(text_of(arguments, "ids")),
            .channels = std::move(channels),
            .reason = text_of(arguments, "reason"),
            .after = core::DeadLetterId{number_of(arguments, "after", 0)},
            .through = core::DeadLetterId{std::min(last, number_of(arguments, "through", last))}};
}

core::FindDeadLetters find_to_look(const wire::AdminRequest& request) {
    if (request.request == "dead_show") {
        const auto numbers = arguments_of(request, {"letter"}).numbers;
        const auto id = numbers.find("letter");
        if (id == numbers.end()) throw Error{"\"letter\" is missing: the id of one"};
        return {.filter = {.after = core::DeadLetterId{std::max<std::uint64_t>(id->second, 1) - 1},
                           .through = core::DeadLetterId{id->second}},
                .letters_max = 1,
                .bytes_max = 1,
                .with_batches = true};
    }
    const auto arguments = arguments_of(
        request, {"ids", "channel", "kind", "reason", "after", "through", "limit", "totals"});
    const bool totals = arguments.flag("totals");
    return {.filter = filter_of(arguments),
            .letters_max = totals ? observe::dead_letter_totals_max
                                  : std::min<std::uint64_t>(
                                        std::max<std::uint64_t>(
                                            1, number_of(arguments, "limit", list_default)),
                                        limits::dead_letters_page),
            .bytes_max = UINT64_MAX,
            .totals = totals};
}

// All of them must have been said, lest a mistake in a script mean it.
void refuse_unmeant(const wire::AdminArguments& arguments) {
    const bool some = arguments.texts.contains("ids") || arguments.texts.contains("channel") ||
                      arguments.texts.contains("reason") || arguments.texts.contains("kind");
    if (!some && !arguments.flag("all"))
        throw Error{
            "which? Give \"ids\", \"channel\", \"kind\" or \"reason\", or "
            "\"all\": true"};
}

}  // namespace

bool Agent::is_about_dead_letters(const wire::AdminRequest& request) const {
    return find_kind(request.request) != nullptr;
}

void Agent::ask_dead_letters(const wire::AdminRequest& request, std::uint64_t number, Time now) {
    const Act act = find_kind(request.request)->act;
    core::DeadLetterRequest asked{.number = number, .act = act, .find = {}};
    if (act == Act::look) {
        asked.find = find_to_look(request);
    } else {
        const auto arguments = arguments_of(request, {"ids", "channel", "kind", "reason", "all",
                                                      "after", "through", "limit", "dry_run"});
        refuse_unmeant(arguments);
        const auto most = number_of(arguments, "limit", limits::dead_letters_page);
        asked.dry_run = arguments.flag("dry_run");
        asked.find = {.filter = filter_of(arguments),
                      .letters_max = std::clamp<std::uint64_t>(most, 1, limits::dead_letters_page),
                      .bytes_max = act == Act::retry ? limits::dead_letters_page_bytes
                                                     : std::uint64_t{UINT64_MAX},
                      .with_batches = act == Act::retry};
    }
    exchange_.ask_dead_letters(std::move(asked), now);
    dead_letters_asked_.emplace(number, request);
}

void Agent::tell_dead_letters(const core::DeadLetterAnswer& answer) {
    const auto asked = dead_letters_asked_.extract(answer.request.number);
    if (!asked) return;
    const wire::AdminRequest& request = asked.mapped();
    const observe::AdminAnswer to = answer_to(request);
    std::string text;
    if (answer.request.act != Act::look)
        text = observe::dead_letters_done_reply(to, answer);
    else if (request.request == "dead_list")
        text = observe::dead_letters_reply(to, answer.found);
    else if (answer.found.letters.empty())
        text =
            observe::failure_reply(to, std::string{wire::to_text(wire::Reject::not_found)},
                                   "there is no dead letter " +
                                       std::to_string(answer.request.find.filter.after.value + 1) +
                                       " (any more); `bus dead list` shows those that there are");
    else
        text = observe::dead_letter_reply(to, answer.found.letters.front());
    admin_.answer_later(answer.request.number, std::move(text));
}

}  // namespace bus
