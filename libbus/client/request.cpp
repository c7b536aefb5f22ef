// The public side of requests: bus/request.h.
#include "bus/request.h"

#include "client/pending_request.h"
#include "client/responders.h"
#include "wire/standard_headers.h"

namespace bus {

RequestError::~RequestError() = default;

const char* to_text(RequestError::Why why) noexcept {
    using Why = RequestError::Why;
    switch (why) {
        case Why::no_responders:
            return "no responders";
        case Why::busy:
            return "busy";
        case Why::responder_lost:
            return "responder lost";
        case Why::failed:
            return "failed";
        case Why::timed_out:
            return "timed out";
        case Why::cancelled:
            return "cancelled";
        case Why::closed:
            return "closed";
    }
    return "?";
}

std::optional<std::string_view> Reply::error() const noexcept {
    return message_.header(wire::header_key::error);
}

PendingReply::PendingReply(std::shared_ptr<client::PendingRequest> state) noexcept
    : state_(std::move(state)) {}

Reply PendingReply::get() const { return state_->get(); }

bool PendingReply::is_done() const noexcept { return state_->has_news(); }

void PendingReply::cancel() const noexcept { state_->cancel(); }

void PendingReply::when_done(std::function<void(const PendingReply&)> callback) const {
    state_->when_done(
        [state = state_, callback = std::move(callback)] { callback(PendingReply{state}); });
}

Service::Service(std::unique_ptr<client::Responders> responders) noexcept
    : responders_(std::move(responders)) {}
Service::Service(Service&&) noexcept = default;
Service& Service::operator=(Service&&) noexcept = default;
Service::~Service() = default;

void Service::close() noexcept {
    if (responders_) responders_->close();
}

bool Service::is_open() const noexcept { return responders_ && responders_->is_open(); }

std::string Service::why() const { return responders_ ? responders_->why() : std::string{}; }

}  // namespace bus
