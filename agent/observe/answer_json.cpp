#include "observe/answer_json.h"

#include "observe/reply_json.h"

namespace bus::observe {
namespace {

const char* to_text(core::Question::Outcome outcome) {
    using enum core::Question::Outcome;
    switch (outcome) {
        case target:
            return "target";
        case on_the_way:
            return "on_the_way";
        case no_way:
            return "no_way";
        case denied:
            return "denied";
        case unknown:
            break;
    }
    return "unknown";
}

Json summary_json(const wire::Summary& s) {
    return {{"version", s.version},
            {"uptime_millis", s.uptime_millis},
            {"links_up", s.links_up},
            {"links_down", s.links_down},
            {"waiting_messages", s.waiting_messages},
            {"waiting_bytes", s.waiting_bytes},
            {"oldest_millis", s.oldest_millis},
            {"journal_live_bytes", s.journal_live_bytes},
            {"journal_file_bytes", s.journal_file_bytes},
            {"journal_full", s.journal_full},
            {"unrouted", s.unrouted},
            {"dead_letters", s.dead_letters},
            {"last_error", s.last_error},
            {"last_error_millis", s.last_error_millis}};
}

}  // namespace

std::string ask_reply(const AdminAnswer& to, std::uint64_t question) {
    Json reply = reply_head(to, true);
    reply["ask"] = {{"question", question}};
    return reply_text(reply);
}

std::string answer_reply(const AdminAnswer& to, const core::Question& question) {
    Json reply = reply_head(to, true);
    Json& told = reply["answer"];
    told = {{"question", question.id.value},
            {"outcome", "waiting"},
            {"target", bus::to_text(question.target)},
            {"agent", nullptr},
            {"name", ""},
            {"rtt_micros", 0},
            {"words", ""},
            {"summary", nullptr}};
    if (const auto& answer = question.answer) {
        told["outcome"] = to_text(answer->outcome);
        told["agent"] = bus::to_text(answer->agent);
        told["name"] = answer->name;
        told["rtt_micros"] =
            std::chrono::duration_cast<std::chrono::microseconds>(answer->round_trip).count();
        told["words"] = answer->words;
        if (answer->summary) told["summary"] = summary_json(*answer->summary);
    }
    return reply_text(reply);
}

}  // namespace bus::observe
