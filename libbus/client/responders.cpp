#include "client/responders.h"

#include <optional>

#include "client/signals.h"
#include "wire/standard_headers.h"

namespace bus::client {
namespace {

// Who asks may want no answer.
bool is_answered(const Delivery& request) {
    return request.message().header(wire::header_key::reply_to).has_value();
}

// The closed connection, to which nothing can be told any more, has ended the request as well.
void tell_failure(Delivery& request, const std::string& failure) try {
    if (is_answered(request))
        request.fail(failure);
    else
        request.reject(failure);
} catch (const Error&) {
    request.reject(failure);
}

}  // namespace

Responders::Responders(Consumer consumer, Handler handler, unsigned threads)
    : consumer_(std::move(consumer)), handler_(std::move(handler)) {
    const SignalsBlocked while_starting;
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

void Responders::close() noexcept {
    consumer_.close();
    for (auto& thread : threads_)
        if (thread.joinable()) thread.join();
}

void Responders::work() {
    for (;;) {
        std::optional<Delivery> request;
        {
            const std::lock_guard lock{turn_};
            request = consumer_.next();
        }
        if (!request) return;
        const std::string failure = answer_to(*request);
        if (!failure.empty()) tell_failure(*request, failure);
    }
}

// Why there is none, if there is none.
std::string Responders::answer_to(Delivery& request) const try {
    const std::string reply = handler_(request.message());
    if (is_answered(request))
        request.reply(reply);
    else
        request.ack();
    return {};
} catch (const std::exception& error) {
    return describe(error);
} catch (...) {
    return "the responder failed with what is no std::exception";
}

}  // namespace bus::client
