#include "observe/dead_letters_json.h"

#include "core/words.h"
#include "observe/payload_json.h"
#include "observe/reply_json.h"
#include "wire/bounds.h"

namespace bus::observe {
namespace {

// So much of a frame for what is in an answer, the rest for what stands around it.
constexpr std::size_t room = wire::control_bytes_max - 8 * 1024;

Json part_json(const std::optional<wire::Part>& part) {
    if (!part) return nullptr;
    return {
        {"first_sequence", part->first_sequence}, {"index", part->index}, {"total", part->total}};
}

Json letter_json(const core::DeadLetter& letter) {
    return {{"id", letter.id.value},
            {"kind", wire::to_text(letter.channel.kind)},
            {"channel", letter.channel.name},
            {"destination", core::word_of(letter.type)},
            {"name", letter.name},
            {"reason", letter.reason},
            {"messages", letter.messages},
            {"bytes", letter.bytes},
            {"attempts", letter.attempts},
            {"taken_unix_millis", letter.taken_wall_micros / 1'000},
            {"buried_unix_millis", letter.buried_wall_micros / 1'000},
            {"producer", bus::to_text(letter.producer)},
            {"sequence", letter.sequence},
            {"part", part_json(letter.part)}};
}

Json total_json(const core::DeadLetterTotal& total) {
    return {{"kind", wire::to_text(total.channel.kind)},
            {"channel", total.channel.name},
            {"destination", core::word_of(total.type)},
            {"name", total.name},
            {"reason", total.reason},
            {"letters", total.letters},
            {"messages", total.messages},
            {"bytes", total.bytes},
            {"oldest_unix_millis", total.oldest_wall_micros / 1'000},
            {"newest_unix_millis", total.newest_wall_micros / 1'000}};
}

// As many as there is room for. false: not all.
template <class Items, class ToJson>
bool add_all(Json& to, std::size_t& used, const Items& items, ToJson to_json) {
    for (const auto& item : items) {
        Json one = to_json(item);
        used += reply_text(one).size() + 1;
        if (used > room) return false;
        to.push_back(std::move(one));
    }
    return true;
}

Json message_json(const wire::MessageView& message, std::uint32_t index) {
    Json headers = Json::array();
    wire::HeaderWalk walk{message.headers};
    while (const auto field = walk.next())
        headers.push_back({{"key", field->key}, {"value", payload_json(as_bytes(field->value))}});
    return {{"index", index},
            {"sequence", message.sequence},
            {"intact", message.intact},
            {"headers", std::move(headers)},
            {"payload", payload_json(message.payload)}};
}

}  // namespace

std::string dead_letters_reply(const AdminAnswer& to, const core::DeadLettersFound& found) {
    Json letters = Json::array(), totals = Json::array();
    std::size_t used = 0;
    const bool all = add_all(letters, used, found.letters, letter_json) &&
                     add_all(totals, used, found.totals, total_json);
    Json reply = reply_head(to, true);
    reply[to.request] = {{"letters", std::move(letters)},
                         {"totals", std::move(totals)},
                         {"last", all && found.last},
                         {"through", found.request.filter.through.value}};
    return reply_text(reply);
}

std::string dead_letter_reply(const AdminAnswer& to, const core::DeadLetter& letter) {
    Json told = letter_json(letter);
    told["damaged"] = !letter.batch;
    Json& contents = told["contents"] = Json::array();
    if (letter.batch) {
        wire::MessageWalk walk{letter.batch.body(), letter.sequence,
                               wire::MessageWalk::Check::checksum};
        std::size_t used = 0;
        for (std::uint32_t index = 0; const auto message = walk.next(); ++index) {
            Json one = message_json(*message, index);
            used += reply_text(one).size() + 1;
            if (used > room) break;
            contents.push_back(std::move(one));
        }
    }
    Json reply = reply_head(to, true);
    reply[to.request] = std::move(told);
    return reply_text(reply);
}

std::string dead_letters_done_reply(const AdminAnswer& to, const core::DeadLetterAnswer& answer) {
    Json left = Json::array();
    std::size_t used = 0;
    (void)add_all(left, used, answer.left, [](const core::DeadLetterAnswer::Left& one) {
        return Json{
            {"why", one.why}, {"letters", one.count.letters}, {"messages", one.count.messages}};
    });
    const auto& found = answer.found;
    Json reply = reply_head(to, true);
    reply[to.request] = {{"letters", answer.done.letters},
                         {"messages", answer.done.messages},
                         {"bytes", answer.done.bytes},
                         {"left", std::move(left)},
                         {"after", found.letters.empty() ? found.request.filter.after.value
                                                         : found.letters.back().id.value},
                         {"through", found.request.filter.through.value},
                         {"last", found.last},
                         {"dry_run", answer.request.dry_run}};
    return reply_text(reply);
}

}  // namespace bus::observe
