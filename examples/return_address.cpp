// Return Address and Correlation Identifier: a question by mail. A shop asks what
// parcels cost and need not be there when the answers come: question and answer are
// guaranteed messages on queues, and wait for whoever is away, on any host.
//
// The question says where the answer shall go (reply-to) and what it belongs to
// (correlation-id). The answers come in another order than the questions here.
#include <bus/bus.h>

#include <chrono>
#include <iostream>
#include <map>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

constexpr const char* my_mailbox = "shop7.answers";

void ask() {
    bus::Connection shop;
    for (const char* parcel : {"2 kg to Lima", "9 kg to Oslo"})
        shop.queue("parcel.prices")
            .publish(parcel, {.reply_to = my_mailbox, .correlation_id = parcel});
}  // asked and gone; the connection's end waits until both are safe

// Whoever answers knows the shop by nothing but the message.
void answer(bus::Delivery question) {
    const std::string euros = std::to_string(3 * (question.payload()[0] - '0')) + " euros";
    if (question.message().header("reply-to"))
        question.reply(euros);  // with its correlation-id; acknowledged when the answer is safe
    else
        question.reject("nobody said where the answer shall go");
}

}  // namespace

int main() {
    ask();

    bus::Connection carrier;
    auto questions = carrier.receive("parcel.prices");
    std::vector<bus::Delivery> asked;
    for (int i = 0; i < 2; ++i) asked.push_back(questions.next_within(5s).value());
    for (; !asked.empty(); asked.pop_back()) answer(std::move(asked.back()));

    bus::Connection shop;
    auto answers = shop.receive(my_mailbox);
    std::map<std::string, std::string> prices;
    while (prices.size() < 2) {
        bus::Delivery reply = answers.next_within(5s).value();
        prices.emplace(reply.message().header("correlation-id").value(), reply.payload());
        reply.ack();
    }
    for (const auto& [parcel, price] : prices) std::cout << parcel << ": " << price << "\n";
}
