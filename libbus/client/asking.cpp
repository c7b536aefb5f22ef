// Requests and replies, on the side of the callers and on that of the socket.
#include <charconv>

#include "client/compose.h"
#include "client/core.h"
#include "wire/envelope.h"
#include "wire/standard_headers.h"

namespace bus::client {
namespace {

using namespace std::chrono_literals;

constexpr auto timeout_min = 1ms;
constexpr std::chrono::milliseconds timeout_max = 24h;

void require_sense(const Core::Question& question) {
    if (!wire::is_channel(question.service)) throw no_name(question.service, "a service");
    if (question.options.timeout < timeout_min || question.options.timeout > timeout_max)
        throw Error{"a request waits for 1 ms to 24 h"};
    if (question.wanted == 0) throw Error{"a request wants one answer at least"};
}

session::Outgoing require_one_batch(session::Outgoing message, const char* what) {
    if (!session::ProducerSession::needs_parts(message)) return message;
    throw Error{std::string{what} +
                " with its headers may have 64 KiB at most: what is larger goes by a queue"};
}

}  // namespace

std::shared_ptr<PendingRequest> Core::ask(const Question& question) {
    require_sense(question);
    if (is_forked()) throw Error{"the connection belongs to the process that forked"};
    if (!options_.producer.empty())
        throw Error{"a connection with a producer's name asks nothing: use another"};
    const RequestOptions& options = question.options;
    auto request = std::make_shared<PendingRequest>(
        PendingRequest::Terms{question.to_all, question.wanted, options.timeout},
        shared_from_this(), callbacks_);
    Guard lock{mutex_};
    ++publishers_waiting_;
    room_.wait_until(lock, request->until(), [&] { return closed_ || producer_.is_connected(); });
    --publishers_waiting_;
    throw_unless_open();
    if (!producer_.is_connected())
        throw RequestError{RequestError::Why::timed_out,
                           "no agent at " + endpoint_ + " within " + in_seconds(options.timeout)};
    if (requests_.is_full())
        throw RequestError{RequestError::Why::busy, "65,536 requests are under way here"};
    requests_.add(request, question.attended ? never : boot_now() + options.timeout);
    const std::string correlation = std::to_string(request->id);
    try {
        auto message =
            require_one_batch(compose(wire::Kind::service, question.service, question.payload,
                                      {.best_effort = true,
                                       .expires_in = options.timeout,
                                       .priority = options.priority,
                                       .key = options.key,
                                       .reply_to = requests_.address(),
                                       .content_type = options.content_type,
                                       .correlation_id = correlation,
                                       .headers = options.headers}),
                              "a request");
        message.to_all = question.to_all;
        publish(lock, message, options.timeout);
    } catch (...) {
        requests_.remove(request->id);
        throw;
    }
    return request;
}

void Core::forget_request(std::uint64_t id) {
    if (is_forked()) return;
    Guard lock{mutex_};
    requests_.remove(id);
}

void Core::answer(const Message& request, Payload payload, const PublishOptions& options) {
    const auto to = request.header(wire::header_key::reply_to);
    if (!to) throw Error{"the message has no reply_to: nobody waits for a reply"};
    PublishOptions reply = options;
    reply.correlation_id = request.header(wire::header_key::correlation_id).value_or("");
    if (wire::is_reply_address(wire::Kind::service, *to)) {
        reply.best_effort = true;
        if (!options_.producer.empty())
            throw Error{"a connection with a producer's name answers nothing: use another"};
        return publish(
            require_one_batch(compose(wire::Kind::service, *to, payload, reply), "a reply"),
            reply.timeout);
    }
    if (!wire::is_channel(*to)) throw no_name(*to, "a queue to reply to");
    const auto receipt = send(compose(wire::Kind::queue, *to, payload, reply), reply.timeout);
    if (receipt.wait(reply.timeout) != Outcome::reached)
        throw Error{"the reply to " + std::string{*to} + " is not safe: " + receipt.reason()};
}

// ---- Whoever has the socket ---------------------------------------------------------------

// Views point into the frame, a small one's into the frame object itself: so it is where it stays
// before it is looked at.
void Core::on_replies(zmq::message_t frame) {
    const auto held = std::make_shared<const zmq::message_t>(std::move(frame));
    const auto decoded = wire::decode_envelope({held->data<std::byte>(), held->size()});
    const auto header = wire::decode_batch(decoded->batch, wire::Body::cut);
    if (!header) return complain("the agent sent a reply that cannot be read");
    wire::MessageWalk walk{decoded->batch.subspan(header->header_length),
                           header->sequence + decoded->envelope.first,
                           wire::MessageWalk::Check::checksum};
    while (const auto view = walk.next()) {
        if (!view->intact) {
            complain("a reply was damaged on the way: its checksum does not hold");
            continue;
        }
        on_reply(held, Message{{.channel = header->channel,
                                .headers = view->headers,
                                .payload = view->payload,
                                .producer = header->producer.words,
                                .sequence = view->sequence,
                                .created_micros = header->created_micros,
                                .priority = to_public(header->lane)}});
    }
}

void Core::on_reply(const std::shared_ptr<const zmq::message_t>& frame, const Message& reply) {
    const auto text = reply.header(wire::header_key::correlation_id).value_or("");
    std::uint64_t id = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), id).ec != std::errc{}) return;
    Requests::Request request;
    {
        Guard lock{mutex_};
        request = requests_.find(id);
    }
    if (!request) return;  // it came too late, or twice
    request->add(frame, reply);
    if (request->has_news()) forget_request(id);
}

void Core::end_requests(RequestError::Why why, const std::string& words) {
    std::vector<Requests::Request> ended;
    {
        Guard lock{mutex_};
        ended = requests_.take_all();
    }
    for (const auto& request : ended) request->end(why, words);
}

}  // namespace bus::client
