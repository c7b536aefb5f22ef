// Dead letters over Connection::control: the requests of PROTOCOL.md, page by page.

#include "bus/dead_letters.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

namespace bus {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

constexpr std::size_t page = 1'000;

Json asked(const char* request, const DeadLetterFilter& which) {
    Json json{{"request", request}};
    std::string ids;
    for (const auto id : which.ids) ids += (ids.empty() ? "" : ",") + std::to_string(id);
    if (!ids.empty()) json["ids"] = std::move(ids);
    if (!which.channel.empty()) json["channel"] = which.channel;
    if (which.of_queues) json["kind"] = "queue";
    if (!which.reason.empty()) json["reason"] = which.reason;
    return json;
}

Json answer_to(const Connection& bus, const Json& request, milliseconds timeout) {
    const auto text = bus.control(request.dump(), timeout);
    if (!text) throw Error{"the agent does not answer about dead letters"};
    const Json reply = Json::parse(*text);
    if (!reply.at("ok").get<bool>()) throw Error{reply.at("reason").get<std::string>()};
    return reply.at(request.at("request").get<std::string>());
}

milliseconds time_of(const Json& millis) { return milliseconds{millis.get<std::int64_t>()}; }

DeadLetter letter_of(const Json& json) {
    return {.id = json.at("id").get<std::uint64_t>(),
            .of_queue = json.at("kind").get<std::string>() == "queue",
            .channel = json.at("channel").get<std::string>(),
            .destination = json.at("destination").get<std::string>(),
            .name = json.at("name").get<std::string>(),
            .reason = json.at("reason").get<std::string>(),
            .messages = json.at("messages").get<std::uint64_t>(),
            .bytes = json.at("bytes").get<std::uint64_t>(),
            .attempts = json.at("attempts").get<std::uint32_t>(),
            .taken = time_of(json.at("taken_unix_millis")),
            .died = time_of(json.at("buried_unix_millis")),
            .producer = json.at("producer").get<std::string>(),
            .sequence = json.at("sequence").get<std::uint64_t>()};
}

void add(DeadLettersDone& done, const Json& json) {
    done.letters += json.at("letters").get<std::uint64_t>();
    done.messages += json.at("messages").get<std::uint64_t>();
    done.bytes += json.at("bytes").get<std::uint64_t>();
    for (const Json& left : json.at("left")) {
        const auto why = left.at("why").get<std::string>();
        auto at = std::find_if(done.left.begin(), done.left.end(),
                               [&](const auto& known) { return known.why == why; });
        if (at == done.left.end()) at = done.left.insert(at, {.why = why});
        at->letters += left.at("letters").get<std::uint64_t>();
        at->messages += left.at("messages").get<std::uint64_t>();
    }
}

// What the agent said is not as it should be: of another version, or no agent.
template <class Read>
auto reading(Read read) {
    try {
        return read();
    } catch (const Json::exception& fault) {
        throw Error{std::string{"the agent's answer about dead letters cannot be read: "} +
                    fault.what()};
    }
}

}  // namespace

std::vector<DeadLetter> DeadLetters::list(const DeadLetterFilter& which,
                                          std::size_t at_most) const {
    Json request = asked("dead_list", which);
    std::vector<DeadLetter> letters;
    return reading([&] {
        while (letters.size() < at_most) {
            request["limit"] = std::min(page, at_most - letters.size());
            const Json answer = answer_to(bus_, request, timeout_);
            const Json& found = answer.at("letters");
            for (const Json& one : found) letters.push_back(letter_of(one));
            if (found.empty() || answer.at("last").get<bool>()) break;
            request["after"] = letters.back().id;
        }
        return std::move(letters);
    });
}

DeadLettersDone DeadLetters::retry(const DeadLetterFilter& which, Run run) const {
    return change("dead_retry", which, run);
}

DeadLettersDone DeadLetters::purge(const DeadLetterFilter& which, Run run) const {
    return change("dead_purge", which, run);
}

DeadLettersDone DeadLetters::change(const char* name, const DeadLetterFilter& which,
                                    Run run) const {
    Json request = asked(name, which);
    request["dry_run"] = run == Run::dry;
    if (which.all) request["all"] = true;
    DeadLettersDone done;
    return reading([&] {
        for (bool last = false; !last;) {
            const Json answer = answer_to(bus_, request, timeout_);
            add(done, answer);
            last = answer.at("last").get<bool>();
            request["after"] = answer.at("after");
            request["through"] = answer.at("through");
        }
        return std::move(done);
    });
}

}  // namespace bus
