// The requests of an app, and those that it answers.
#include "app.h"
#include "wire/standard_headers.h"

namespace bus::sim {

using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t question_bytes = Book::payload_bytes_min;

QuestionId id_in(Bytes payload) {
    const auto id = Book::payload_id(payload);
    if (!id) throw Broken("G4 intact", "a request, or an answer, is not as sent");
    return *id;
}

QuestionId id_in(std::string_view correlation) {
    return std::strtoull(std::string{correlation}.c_str(), nullptr, 10);
}

std::vector<std::byte> headers_of(std::string_view reply_to, std::string_view correlation) {
    std::vector<std::byte> headers;
    if (!reply_to.empty()) wire::append_header(headers, wire::header_key::reply_to, reply_to);
    wire::append_header(headers, wire::header_key::correlation_id, correlation);
    return headers;
}

}  // namespace

const std::vector<std::string>& services() {
    static const std::vector<std::string> all{"quotes", "plant.temperature"};
    return all;
}

// ---- Asking -------------------------------------------------------------------------------------

void App::plan_asking() {
    later(around_.random.between(Duration{0}, 2 * ask_every_), [this] {
        if (!publishing_) return;
        ask(around_.random.pick(services()), false);
        plan_asking();
    });
}

void App::ask(const std::string& service, bool probe) {
    if (!agent_) return;  // it has no address before it was welcome once
    auto& random = around_.random;
    const auto ttl = probe ? std::chrono::milliseconds{60'000}
                           : std::chrono::milliseconds{random.between(1, 5'000)};
    const bool to_all = !probe && random.percent(10);
    const auto now = around_.timeline.now();
    const QuestionId id = around_.oracle.questions.add({.instance = instance_,
                                                        .host = host_.index(),
                                                        .service = service,
                                                        .deadline = now + ttl,
                                                        .to_all = to_all,
                                                        .probe = probe});
    around_.oracle.on_question();
    const auto payload = Book::payload(static_cast<MessageId>(id), question_bytes);
    const auto headers =
        headers_of(wire::reply_address(*agent_, producer_->producer()), std::to_string(id));
    session::Outgoing question{.kind = wire::Kind::service, .channel = service};
    question.mode = wire::Mode::best_effort;
    question.ttl_millis = static_cast<std::uint64_t>(ttl.count());
    question.headers = headers;
    question.payload = payload;
    question.to_all = to_all;
    (void)producer_->offer(question, stamp());  // without room nobody is asked
    pump();
}

void App::on_answers(const wire::DecodedEnvelope& decoded, const wire::BatchHeader& header) {
    for_each_message(decoded, header, [&](const wire::MessageView& answer) {
        const auto error = wire::find_header(answer.headers, wire::header_key::bus_error);
        const auto id =
            id_in(wire::find_header(answer.headers, wire::header_key::correlation_id).value());
        around_.oracle.questions.on_answer(id, instance_, error ? id : id_in(answer.payload),
                                           error.value_or(""));
    });
}

// ---- Answering ----------------------------------------------------------------------------------

void App::on_questions(const wire::DecodedEnvelope& decoded, const wire::BatchHeader& header) {
    std::uint32_t index = decoded.envelope.first;
    for_each_message(decoded, header, [&](const wire::MessageView& question) {
        const auto to = wire::find_header(question.headers, wire::header_key::reply_to).value();
        wire::Ack ack{.tag = decoded.envelope.number, .first = index++, .count = 1};
        const QuestionId id = id_in(question.payload);
        around_.oracle.questions.on_asked(id, host_.index(), decoded.envelope.redelivered(),
                                          around_.timeline.now());
        ++unruled_;
        const bool gives_back = nacks_ && around_.random.per_mille(habits_.nack_per_mille);
        if (gives_back) ack.verdict = wire::Verdict::nack;
        later(around_.random.between(Duration{0}, habits_.work_max),
              [this, id, gives_back, ack, address = std::string{to}, epoch = consumer_.epoch()] {
                  if (gives_back)
                      around_.oracle.questions.on_given_back(id);
                  else
                      answer(id, address);
                  rule(epoch, 0, {ack});
              });
    });
}

void App::answer(QuestionId id, const std::string& address) {
    const auto payload = Book::payload(static_cast<MessageId>(id), question_bytes);
    const auto headers = headers_of({}, std::to_string(id));
    session::Outgoing reply{.kind = wire::Kind::service, .channel = address};
    reply.mode = wire::Mode::best_effort;
    reply.ttl_millis = 60'000;
    reply.headers = headers;
    reply.payload = payload;
    (void)producer_->offer(reply, stamp());
}

template <class Visit>
void App::for_each_message(const wire::DecodedEnvelope& decoded, const wire::BatchHeader& header,
                           Visit visit) {
    wire::MessageWalk walk{decoded.batch.subspan(header.header_length),
                           header.sequence + decoded.envelope.first,
                           wire::MessageWalk::Check::checksum};
    while (const auto message = walk.next()) {
        if (!message->intact) throw Broken("G4 intact", "a request, or an answer, is not as sent");
        visit(*message);
    }
}

}  // namespace bus::sim
