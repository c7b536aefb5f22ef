// Answers about dead letters fit a control frame, whatever is in them.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "observe/dead_letters_json.h"
#include "support/sample_batch.h"
#include "wire/bounds.h"

using namespace bus;
using namespace bus::observe;
using Json = nlohmann::json;

namespace {

const AdminAnswer asker{.id = 7, .request = "dead_list"};

core::DeadLetter letter(std::uint64_t id, std::string reason) {
    return {.id = core::DeadLetterId{id},
            .type = core::Destination::Type::durable,
            .name = "alarms",
            .agent = {},
            .channel = {wire::Kind::topic, "plant.temp"},
            .messages = 1,
            .part = std::nullopt,
            .buried_wall_micros = 1'700'000'000'123'456,
            .reason = std::move(reason),
            .batch = {}};
}
Json answer(const std::string& text, const char* request) {
    CHECK(text.size() <= wire::control_bytes_max);
    const Json json = Json::parse(text);
    CHECK(json.at("ok") == true);
    return json.at(request);
}
core::DeadLetter with(const std::vector<test::SampleMessage>& messages) {
    core::DeadLetter one = letter(3, "rejected");
    const auto batch = core::OwnedBatch::make(test::sample_batch(messages));
    REQUIRE(batch.has_value());
    one.batch = *batch;
    one.messages = batch->messages();
    one.sequence = batch->header().sequence;
    return one;
}

}  // namespace

TEST_CASE("a list says of each what it is, and stops where the frame is full") {
    core::DeadLettersFound found{.request = {}, .letters = {}, .totals = {}, .last = true};
    for (std::uint64_t id = 1; id <= 1'000; ++id)
        found.letters.push_back(letter(id, std::string(200, '\x01')));
    const Json list = answer(dead_letters_reply(asker, found), "dead_list");
    CHECK(list.at("last") == false);
    const auto shown = list.at("letters").size();
    CHECK(shown > 20);
    CHECK(shown < 100);
    const Json& last = list.at("letters").back();
    CHECK(last.at("id") == shown);
    CHECK(last.at("destination") == "durable");
    CHECK(last.at("name") == "alarms");
    CHECK(last.at("buried_unix_millis") == 1'700'000'000'123);
    CHECK(last.at("part").is_null());

    found.letters.resize(3);
    CHECK(answer(dead_letters_reply(asker, found), "dead_list").at("last") == true);
}

TEST_CASE("as many totals as are asked for have room, with the longest names") {
    core::DeadLettersFound found{.request = {}, .letters = {}, .totals = {}, .last = true};
    for (std::size_t n = 0; n <= dead_letter_totals_max; ++n)
        found.totals.push_back({.channel = {wire::Kind::queue, std::string(255, 'c')},
                                .name = std::string(255, 'n'),
                                .reason = std::string(230, 'r')});
    const Json list = answer(dead_letters_reply(asker, found), "dead_list");
    CHECK(list.at("last") == true);
    CHECK(list.at("totals").size() == dead_letter_totals_max + 1);
}

TEST_CASE("a payload is shown as text where it is text, in base64 otherwise, cut with its size") {
    const std::string binary("\xff\x00\x01", 3), large(20'000, 'x');
    const Json shown = answer(
        dead_letter_reply({7, "dead_show"}, with({{"hello"}, {binary}, {large}})), "dead_show");
    CHECK(shown.at("damaged") == false);
    const auto payload = [&](std::size_t at) { return shown.at("contents").at(at).at("payload"); };
    CHECK(payload(0) == Json{{"bytes", 5}, {"text", "hello"}});
    CHECK(payload(1) == Json{{"bytes", 3}, {"base64", "/wAB"}});
    CHECK(payload(2).at("bytes") == 20'000);
    CHECK(payload(2).at("text").get<std::string>().size() == 6 * 1024);
    CHECK(shown.at("contents").at(0).at("intact") == true);
}

TEST_CASE("of many messages those are shown that have room") {
    const std::vector<test::SampleMessage> many(60, {std::string_view{"\x01\x02\x03", 3}});
    CHECK(answer(dead_letter_reply({7, "dead_show"}, with(many)), "dead_show")
              .at("contents")
              .size() == 60);
    const std::string ugly(900, '\x01');
    const std::vector<test::SampleMessage> large(60, {ugly});
    const auto shown =
        answer(dead_letter_reply({7, "dead_show"}, with(large)), "dead_show").at("contents").size();
    CHECK(shown > 5);
    CHECK(shown < 60);
}

TEST_CASE("what was done tells where to go on, and what stays") {
    core::DeadLetterAnswer done{.request = {},
                                .found = {.request = {}, .letters = {}, .totals = {}}};
    done.found.letters = {letter(4, "a"), letter(9, "b")};
    done.found.request.filter.through = core::DeadLetterId{20};
    done.done.add(done.found.letters[0]);
    done.leave(done.found.letters[1], "the journal is full");
    const Json told = answer(dead_letters_done_reply({7, "dead_retry"}, done), "dead_retry");
    CHECK(told.at("messages") == 1);
    CHECK(told.at("after") == 9);
    CHECK(told.at("through") == 20);
    CHECK(told.at("last") == false);
    CHECK(told.at("left") ==
          Json::array({{{"why", "the journal is full"}, {"letters", 1}, {"messages", 1}}}));
}
