#include <doctest/doctest.h>

#include "wire/admin_arguments.h"
#include "wire/local.h"

using namespace bus;
using namespace bus::wire;

namespace {

template <class T>
T there_and_back(const T& command) {
    const auto decoded = decode_command(encode_command(command));
    REQUIRE(decoded);
    REQUIRE(std::holds_alternative<T>(*decoded));
    return std::get<T>(*decoded);
}
template <class T>
T reply_there_and_back(const T& reply) {
    const auto decoded = decode_reply(encode_reply(reply));
    REQUIRE(decoded);
    REQUIRE(std::holds_alternative<T>(*decoded));
    return std::get<T>(*decoded);
}
Malformed refusal(std::string_view json) {
    const auto decoded = decode_command(json);
    REQUIRE_FALSE(decoded);
    return decoded.error();
}

}  // namespace

TEST_CASE("every command survives the way") {
    const auto hello = there_and_back(
        Hello{.app = "billing", .producer = ProducerId{{1, 2}}, .awaiting = {{3, 4}, {9, 9}}});
    CHECK(hello.app == "billing");
    CHECK(hello.producer == ProducerId{{1, 2}});
    CHECK(hello.awaiting == std::vector<NumberRange>{{3, 4}, {9, 9}});
    CHECK(hello.protocol_min == protocol_min);
    CHECK_FALSE(there_and_back(Hello{.app = "eye"}).producer);

    const auto wish = there_and_back(Subscribe{.id = 7,
                                               .kind = Kind::topic,
                                               .filter = "plant7.**",
                                               .durable = "alarms",
                                               .prefetch_messages = 5,
                                               .prefetch_bytes = 6});
    CHECK(wish.id == 7);
    CHECK(wish.filter == "plant7.**");
    CHECK(wish.durable == "alarms");
    CHECK(wish.group.empty());
    CHECK(wish.prefetch_messages == 5);
    CHECK(wish.prefetch_bytes == 6);
    CHECK_FALSE(wish.declare);
    CHECK_FALSE(wish.parts);
    CHECK(there_and_back(Subscribe{.id = 7, .filter = "a", .parts = true}).parts);
    CHECK_FALSE(wish.last);
    CHECK(there_and_back(Subscribe{.id = 7, .filter = "a", .last = true}).last);
    CHECK(
        there_and_back(Subscribe{.id = 7, .filter = "a", .durable = "b", .declare = true}).declare);

    CHECK(there_and_back(Unsubscribe{.id = 7, .forget = true}).forget);
    there_and_back(Bye{});
    const auto admin =
        there_and_back(AdminRequest{.id = 3, .request = "purge", .text = R"({"queue":"orders"})"});
    CHECK(admin.request == "purge");
    CHECK(admin.text.find("orders") != std::string::npos);
}

TEST_CASE("every reply survives the way") {
    const Welcome sent{.agent = AgentId{{5, 6}},
                       .name = "paris",
                       .incarnation = 1'700'000'000'000,
                       .taken = 12,
                       .safe = 11,
                       .window = 4 << 20,
                       .held = {{.kind = Kind::queue, .filter = "orders", .reason = "full"},
                                {.kind = std::nullopt, .filter = "**", .reason = "disk"}}};
    const auto welcome = reply_there_and_back(sent);
    CHECK(welcome.agent == sent.agent);
    CHECK(welcome.incarnation == sent.incarnation);
    CHECK(welcome.taken == 12);
    CHECK(welcome.safe == 11);
    CHECK(welcome.window == sent.window);
    CHECK(welcome.held == sent.held);
    CHECK(reply_there_and_back(Subscribed{4}).id == 4);
    CHECK(reply_there_and_back(Unsubscribed{4}).id == 4);
    const Gap lost{.id = 4,
                   .reason = Gap::Reason::best_effort,
                   .channel = "a.b",
                   .messages = 5,
                   .from_micros = 6,
                   .to_micros = 7,
                   .untold = 8,
                   .total = 9};
    const auto gap = reply_there_and_back(lost);
    CHECK(gap.id == 4);
    CHECK(gap.reason == Gap::Reason::best_effort);
    CHECK(gap.channel == "a.b");
    CHECK(gap.messages == 5);
    CHECK(gap.from_micros == 6);
    CHECK(gap.to_micros == 7);
    CHECK(gap.untold == 8);
    CHECK(gap.total == 9);
    CHECK_FALSE(
        decode_reply(R"({"type":"gap","id":1,"reason":"?","messages":1,"untold":1,"total":1})"));
    const auto failed = reply_there_and_back(Failed{4, Reject::in_use, "taken"});
    CHECK(failed.code == Reject::in_use);
    CHECK(failed.reason == "taken");
    CHECK(reply_there_and_back(Refused{9, Reject::not_allowed, "no"}).number == 9);
    CHECK(reply_there_and_back(Hold{sent.held}).channels == sent.held);
    CHECK(reply_there_and_back(Resume{sent.held}).channels == sent.held);
    CHECK(reply_there_and_back(Reset{"who?"}).reason == "who?");
    CHECK(reply_there_and_back(AdminReply{R"({"id":1})"}).text.find("\"id\"") != std::string::npos);
}

TEST_CASE("what a simple client leaves out has its default") {
    const auto decoded =
        decode_command(R"({"type":"subscribe","id":1,"kind":"queue","filter":"q","later":[]})");
    REQUIRE(decoded);
    const auto& wish = std::get<Subscribe>(*decoded);
    CHECK(wish.prefetch_messages == Subscribe::prefetch_messages_default);
    CHECK(wish.prefetch_bytes == Subscribe::prefetch_bytes_default);
}

TEST_CASE("the first wrong field is named, with the command's id") {
    CHECK(refusal("").code == Reject::malformed);
    CHECK(refusal("[]").reason == "not a JSON object");
    CHECK(refusal("{\"type\":").code == Reject::malformed);
    CHECK(refusal("{}").reason == "\"type\" is missing");
    CHECK(refusal(R"({"type":"dance","id":3})").code == Reject::unknown_command);
    CHECK(refusal(R"({"type":"dance","id":3})").id == 3);
    const auto kind = refusal(R"({"type":"subscribe","id":8,"kind":"topik","filter":"a"})");
    CHECK(kind.id == 8);
    CHECK(kind.reason.find("\"kind\"") == 0);
    CHECK(refusal(R"({"type":"subscribe","id":8,"kind":"topic","filter":"a b"})").code ==
          Reject::bad_name);
    CHECK(refusal(R"({"type":"subscribe","id":-1,"kind":"topic","filter":"a"})").reason ==
          "\"id\" must be a whole number in range");
    CHECK(refusal(R"({"type":"hello","protocol":[1,1],"app":"a","producer":"xyz"})").reason ==
          "\"producer\" must be 32 hexadecimal digits");
    CHECK(refusal(R"({"type":"hello","protocol":1,"app":"a"})").reason ==
          "\"protocol\" must be an array");
    CHECK(refusal(R"({"type":"hello","protocol":[1,1],"app":"a","awaiting":[[5,4]]})").code ==
          Reject::malformed);
    CHECK(refusal(std::string(control_bytes_max + 1, ' ')).code == Reject::too_large);
    CHECK(refusal(std::string(60'000, '[')).code == Reject::malformed);
}

TEST_CASE("a welcome that contradicts itself is none") {
    Welcome welcome{.agent = AgentId{{1, 1}}, .name = "a", .taken = 1, .safe = 2};
    CHECK_FALSE(decode_reply(encode_reply(welcome)));
}

TEST_CASE("a user's admin request needs no type") {
    const auto request = read_admin_request(R"({"request":"status","verbose":true})");
    REQUIRE(request);
    CHECK(request->request == "status");
    CHECK_FALSE(read_admin_request("{}"));
    CHECK_FALSE(read_admin_request("status"));
}

TEST_CASE("the arguments of an admin request are told by their types") {
    const auto request = read_admin_request(
        R"({"type":"admin","id":1,"request":"dance","slow":true,"pairs":3,"floor":"hall"})");
    REQUIRE(request);
    const auto arguments = admin_arguments(*request);
    REQUIRE(arguments);
    CHECK(arguments->flags == std::map<std::string, bool>{{"slow", true}});
    CHECK(arguments->flag("slow"));
    CHECK_FALSE(arguments->flag("late"));
    CHECK(arguments->numbers == std::map<std::string, std::uint64_t>{{"pairs", 3}});
    CHECK(arguments->texts == std::map<std::string, std::string>{{"floor", "hall"}});
    for (const char* bad :
         {R"({"request":"dance","pairs":-1})", R"({"request":"dance","who":[]})"}) {
        const auto refused = read_admin_request(bad);
        REQUIRE(refused);
        CHECK_FALSE(admin_arguments(*refused));
    }
}

TEST_CASE("text that is no UTF-8 is replaced, not thrown") {
    CHECK(decode_reply(encode_reply(Failed{1, Reject::limit, "\xff\xfe"})));
}
